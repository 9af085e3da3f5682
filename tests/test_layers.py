"""Who may import whom: the layers of the program, asserted on its source."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OURS = ("bot", "cogs", "storage")
STDLIB = frozenset(sys.stdlib_module_names)
SESSION = "sqlalchemy.ext.asyncio.AsyncSession"
VERSION = "bot.__version__"
PAPER = ("jinja2", "orjson", "pygal", "resvg_py")  # charts, templates and files
WIRING = (
    "bot.__main__",
    "bot.check",
    "bot.client",
    "bot.copies",
    "bot.demo",
    "bot.health",
    "bot.invite",
    "bot.jobs",
    "bot.leader",
    "bot.logs",
    "bot.metrics",
    "bot.monitoring",
    "bot.pace",
    "bot.settings",
    "bot.supervisor",
    "bot.verify",
)

ALLOWED = {
    "bot.domain": {"msgspec", "bot.domain"},
    "bot.services": {
        "bot.domain",
        "bot.services",
        "storage",
        SESSION,
        "eth_utils",
        "base58",
        "msgspec",
        "orjson",
    },
    "bot.ui": {"discord", "babel", "msgspec", *PAPER, "bot.domain", "bot.ui"},
    "storage": {"sqlalchemy", "alembic", "msgspec", "storage"},
    "cogs": {"discord", VERSION, "bot.domain", "bot.services", "bot.ui", "cogs.transformers"},
}
"""Beside the standard library. What only a type checker reads is exempt."""


@dataclass(frozen=True)
class Module:
    name: str
    path: Path
    tree: ast.Module


def _name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {
    _name(path): Module(_name(path), path, ast.parse(path.read_text(encoding="utf-8")))
    for folder in OURS
    for path in sorted((ROOT / folder).rglob("*.py"))
}


def is_within(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def running(node: ast.AST) -> Iterator[ast.AST]:
    """Everything in a tree that runs, without the branches of `if TYPE_CHECKING`."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            children: list[ast.AST] = [*child.orelse]
        else:
            children = [child]
        for each in children:
            yield each
            yield from running(each)


def imports(node: ast.AST) -> Iterator[str]:
    """What a tree imports, each name in full: `from a import b` is `a.b`."""
    for child in running(node):
        if isinstance(child, ast.Import):
            # The package itself is imported for its version.
            yield from (VERSION if alias.name == "bot" else alias.name for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, "imports are absolute"
            yield from (f"{child.module}.{alias.name}" for alias in child.names)


def calls(module: Module) -> Iterator[str]:
    """What a module calls, as it is written: `datetime.now`, `Embed`."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func)


def allowed(layer: str) -> Callable[[str], bool]:
    def may(name: str) -> bool:
        return name.split(".", maxsplit=1)[0] in STDLIB or is_within(name, *ALLOWED[layer])

    return may


def named(predicate: Callable[[str], bool], *, outside: tuple[str, ...] = ()) -> list[str]:
    """Modules, but for those outside the rule, that call something of this kind."""
    return [
        f"{name}: {call}"
        for name, module in MODULES.items()
        if not is_within(name, *outside)
        for call in calls(module)
        if predicate(call)
    ]


def test_every_module_belongs_to_a_layer() -> None:
    assert [name for name in MODULES if not is_within(name, "bot", *ALLOWED, *WIRING)] == []
    assert [
        name for name in MODULES if name != "bot" and not is_within(name, *ALLOWED, *WIRING)
    ] == []
    assert len(MODULES) > 50


@pytest.mark.parametrize("layer", ALLOWED)
def test_a_layer_imports_only_what_it_may(layer: str) -> None:
    may = allowed(layer)
    assert [
        f"{name}: {imported}"
        for name, module in MODULES.items()
        if is_within(name, layer)
        for imported in imports(module.tree)
        if not may(imported)
    ] == []


def test_wiring_loads_cogs_by_name_only_and_the_demo_alone_knows_the_simulator() -> None:
    assert [
        f"{name}: {imported}"
        for name, module in MODULES.items()
        if is_within(name, *WIRING)
        for imported in imports(module.tree)
        if is_within(imported, "cogs")
        or (is_within(imported, "simcord") and not is_within(name, "bot.demo"))
    ] == []


def test_no_layer_looks_up_to_the_wiring() -> None:
    assert [
        f"{name}: {imported}"
        for name, module in MODULES.items()
        if not is_within(name, *WIRING)
        for imported in imports(module.tree)
        if is_within(imported, *WIRING)
    ] == []


def test_the_domain_is_neither_asynchronous_nor_does_it_read_or_write() -> None:
    domain = [module for name, module in MODULES.items() if is_within(name, "bot.domain")]
    asynchronous = (ast.AsyncFunctionDef, ast.Await, ast.AsyncFor, ast.AsyncWith)
    assert not [
        module.name
        for module in domain
        if any(isinstance(node, asynchronous) for node in ast.walk(module.tree))
    ]
    effects = {"asyncio", "io", "logging", "os", "pathlib", "random", "secrets", "socket", "time"}
    assert not [
        (module.name, name) for module in domain for name in imports(module.tree)
        if name.split(".", maxsplit=1)[0] in effects
    ]  # fmt: skip
    assert not named(
        lambda call: call in {"open", "print", "input"},
        outside=("bot.services", "bot.ui", "storage", "cogs", *WIRING),
    )


def test_queries_are_made_only_in_storage() -> None:
    verbs = {"select", "insert", "update", "delete"}
    queries = verbs | {f"{alias}.{verb}" for alias in ("sa", "sqlalchemy") for verb in verbs}
    assert named(lambda call: call in queries, outside=("storage",)) == []


def test_only_storage_commits() -> None:
    assert named(lambda call: call.endswith(".commit"), outside=("storage",)) == []


def test_a_clock_is_read_only_in_the_client() -> None:
    clocks = {"now", "utcnow", "today", "time", "time_ns", "localtime", "gmtime"}
    owners = {
        "datetime",
        "date",
        "datetime.datetime",
        "datetime.date",
        "time",
        "discord.utils",
        "utils",
    }

    def is_clock(call: str) -> bool:
        owner, _, name = call.rpartition(".")
        return (owner in owners and name in clocks) or call in {"utcnow", "time_ns"}

    assert named(is_clock, outside=("bot.client",)) == []
    # Nor is one handed on as a function.
    assert [
        name
        for name, module in MODULES.items()
        if name != "bot.client"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute) and node.attr in {"utcnow", "time_ns"}
    ] == []


def test_embeds_are_made_only_in_the_ui() -> None:
    assert named(lambda call: call.split(".")[-1] == "Embed", outside=("bot.ui",)) == []


def test_no_float_is_made_where_money_is() -> None:
    outside = ("bot.ui", "cogs", *WIRING)
    assert named(lambda call: call == "float", outside=outside) == []
    assert [
        f"{name}:{node.lineno}"
        for name, module in MODULES.items()
        if not is_within(name, *outside)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div)
    ] == []


def test_our_own_modules_are_imported_at_the_top_of_a_file() -> None:
    functions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
    assert [
        f"{name}: {imported}"
        for name, module in MODULES.items()
        if name != "bot.__main__"  # each subcommand loads what it needs
        for node in ast.walk(module.tree)
        if isinstance(node, functions)
        for imported in imports(node)
        if is_within(imported, *OURS)
        and not (name == "storage.database" and is_within(imported, "storage.sessions"))
    ] == []  # a start needs no sessions, and they take longest to load


def test_no_file_imports_itself_by_way_of_others() -> None:
    graph: dict[str, set[str]] = {}
    for name, module in MODULES.items():
        for imported in imports(module.tree):
            # `from bot.services import lines` means the file, not the package.
            target = imported if imported in MODULES else imported.rpartition(".")[0]
            if target in MODULES:
                graph.setdefault(name, set()).add(target)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"imports go round: {' -> '.join(error.args[1])}")


@pytest.mark.parametrize("package", OURS)
def test_every_folder_is_a_package_that_is_installed(package: str) -> None:
    listed = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    folders = {_name(path.parent / "__init__.py") for path in (ROOT / package).rglob("*.py")}
    assert [folder for folder in sorted(folders) if f'"{folder}"' not in listed] == []
