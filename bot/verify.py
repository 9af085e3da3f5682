"""`verify FILE`: checks an exported bundle offline."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from bot.domain.bundle import faults

OK, BAD, UNREADABLE = 0, 1, 78


def run(path: Path) -> int:
    """Check a bundle and say what was found; 0 sound, 1 not sound, 78 not readable."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_unambiguous)
    except FileNotFoundError:
        print(f"stipend: {path}: there is no such file", file=sys.stderr)
        return UNREADABLE
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError):
        print(f"stipend: {path}: not a statement bundle (JSON)", file=sys.stderr)
        return UNREADABLE
    except (OSError, ValueError) as error:
        print(f"stipend: {path}: {error}", file=sys.stderr)
        return UNREADABLE
    found = faults(document)
    if found:
        print(f"{path}: NOT SOUND, {len(found)} fault(s)")
        for fault in found:
            print(f"- {fault}")
        return BAD
    rows = document["record"]["rows"]
    print(
        f"{path}: sound. Round {document['round']}, version {document['version']}: "
        f"{len(document['lines'])} lines, total {document['total']} {document['currency']}.\n"
        f"Every amount was recomputed from the inputs and the pinned policy, and the "
        f"{len(rows)} record rows form an unbroken chain.\n"
        f"Compare with what was published: statement {document['statement_sha256']}\n"
        "Names, addresses and what was recorded after the publication are not part of that hash."
    )
    return OK


def _unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse an object with a key twice: who reads it might not see what is checked."""
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = sorted({key for key in found if keys.count(key) > 1})
        raise ValueError(f"not one value each for {', '.join(twice)}")
    return found
