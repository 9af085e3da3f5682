"""How much dearer the exact split is than the division that forgets the remainders.

Run with the others: `make bench`. Both divide among the same million people,
in the same run, best of five by processor time; the limit is 7 times the naive loop.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping

from bot.domain.split import split

PEOPLE = 1_000_000
TOTAL = 21_000_000_00
LIMIT = 7


def divide(total: int, weights: Mapping[int, int]) -> dict[int, int]:
    """The naive loop: floors only; up to a unit per person is lost."""
    whole = sum(weights.values())
    return {key: total * weight // whole for key, weight in weights.items()}


def divide_list(total: int, weights: list[int]) -> list[int]:
    """The naive loop over bare numbers, without anybody's id."""
    whole = sum(weights)
    return [total * weight // whole for weight in weights]


def seconds(act: Callable[[], object], *, times: int = 5) -> float:
    """Processor time of the fastest of some runs."""
    best = float("inf")
    for _ in range(times):
        start = time.process_time()
        act()
        best = min(best, time.process_time() - start)
    return best


def main() -> None:
    """Print one row of a table."""
    source = random.Random(20_260_401)
    weights = {key: source.randrange(100_000) for key in source.sample(range(1 << 60), PEOPLE)}
    bare = list(weights.values())
    exact = seconds(lambda: split(TOTAL, weights))
    naive = seconds(lambda: divide(TOTAL, weights))
    naive_list = seconds(lambda: divide_list(TOTAL, bare))
    verdict = f"within {LIMIT}" if exact <= LIMIT * naive else f"ABOVE {LIMIT}"
    print("| ratio | verdict | exact split | naive division | people | ratio to a bare list |")
    print("|---|---|---|---|---|---|")
    print(
        f"| {exact / naive:.2f} | {verdict} | {exact:.3f} s | {naive:.3f} s | {PEOPLE:,} "
        f"| {exact / naive_list:.2f} |"
    )


if __name__ == "__main__":
    main()
