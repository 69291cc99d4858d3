"""The rooms and arrows of docs/architecture.md: who may import whom. Reads the sources; imports nothing of them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import pytest

ROOT: Final = Path(__file__).parents[2]
DOCUMENT: Final = ROOT / "docs" / "architecture.md"
PACKAGES: Final = ("cloudplow", "cloudplow_dashboard")
#: What any plugin may use of the core, and so the dashboard.
OPEN_TO_PLUGINS: Final = {
    "cloudplow",
    "cloudplow.events",
    "cloudplow.units",
    "cloudplow.distribution",
    "cloudplow.hookspecs",
    "cloudplow.redaction",
}
#: What a machine without a web server in it lacks.
WEB: Final = {"cloudplow_dashboard", "flask", "werkzeug", "jinja2", "uvicorn"}
STARTS_PROCESSES: Final = {"cloudplow.rclone.process", "cloudplow.rclone.groups", "cloudplow.services.notify.process"}
#: What follows the rules of plugins.
LIKE_PLUGINS: Final = ("cloudplow_dashboard", "cloudplow.services")
#: How many modules may lie flat beside the rooms.
FLAT_LIMITS: Final = {"cloudplow": 20, "cloudplow_dashboard": 6}


class Room(NamedTuple):
    """A row of the table. modules: names, or a prefix with ".*" for a whole folder; may_import: names of rooms."""

    modules: tuple[str, ...]
    may_import: frozenset[str]

    def holds(self, module: str) -> bool:
        """Whether a module is in this room."""
        return any(
            module == one or (one.endswith(".*") and (module == one[:-2] or module.startswith(one[:-1])))
            for one in self.modules
        )


def rooms() -> Mapping[str, Room]:
    """The table "Rooms" of the document."""
    section = DOCUMENT.read_text(encoding="utf-8").partition("## Rooms")[2].partition("\n## ")[0]
    table = section.partition("|---|---|---|---|")[2].partition("\n\n")[0]
    found = {}
    for row in table.strip().splitlines():
        name, modules, may_import, _ = (cell.strip() for cell in row.strip("|").split("|"))
        allowed = frozenset(part.strip() for part in may_import.split(",") if part.strip() != "-")
        found[name] = Room(tuple(re.findall(r"`([^`]+)`", modules)), allowed)
    return found


ROOMS: Final = rooms()


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


SOURCES: Final = {module_name(path): path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))}


def imports(path: Path) -> Iterator[str]:
    """Every module that a source imports, anywhere in it; `from a import b` gives a.b when that is a module."""
    package = module_name(path) if path.name == "__init__.py" else module_name(path).rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parts, *([node.module] if node.module else [])])
            for alias in node.names:
                yield f"{base}.{alias.name}" if is_module(f"{base}.{alias.name}") else base


@cache
def is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


IMPORTS: Final = {module: frozenset(imports(path)) for module, path in SOURCES.items()}


def our_imports(module: str) -> set[str]:
    return {name for name in IMPORTS[module] if name.split(".")[0] in PACKAGES} - {module}


@cache
def rooms_of(module: str) -> list[str]:
    return [name for name, room in ROOMS.items() if room.holds(module)]


def without_free(arrows: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """What is left of a graph when whatever points at nothing is taken away, again and again: its circles."""
    left = {name: set(targets) for name, targets in arrows.items()}
    while free := {name for name, targets in left.items() if not targets & left.keys()}:
        left = {name: targets - free for name, targets in left.items() if name not in free}
    return left


@pytest.mark.parametrize("module", SOURCES)
def test_every_module_is_in_one_room(module: str) -> None:
    assert len(rooms_of(module)) == 1, f"{module} is in no room (or in two) of docs/architecture.md"


@pytest.mark.parametrize("module", SOURCES)
def test_a_module_imports_only_what_its_room_may(module: str) -> None:
    (room,) = rooms_of(module)
    allowed = {room, *ROOMS[room].may_import}

    assert {name for name in our_imports(module) if not set(rooms_of(name)) & allowed} == set()


def test_the_document_names_no_room_and_no_module_that_is_not_there() -> None:
    held = {name: [module for module in SOURCES if room.holds(module)] for name, room in ROOMS.items()}

    assert [name for name, modules in held.items() if not modules] == []
    assert {target for room in ROOMS.values() for target in room.may_import} <= ROOMS.keys()
    named = {one for room in ROOMS.values() for one in room.modules if not one.endswith(".*")}
    assert named <= SOURCES.keys()


def test_no_arrow_of_the_document_is_unused() -> None:
    used = {
        (rooms_of(module)[0], target) for module in SOURCES for name in our_imports(module) for target in rooms_of(name)
    }
    allowed = {(name, target) for name, room in ROOMS.items() for target in room.may_import}

    assert allowed - used == set()


def test_there_is_no_circle_of_rooms() -> None:
    assert without_free({name: set(room.may_import) for name, room in ROOMS.items()}) == {}


def test_there_is_no_circle_of_modules_even_with_imports_for_types_and_in_functions() -> None:
    assert without_free({module: our_imports(module) & SOURCES.keys() for module in SOURCES}) == {}


@pytest.mark.parametrize(("package", "limit"), FLAT_LIMITS.items())
def test_few_modules_lie_flat_beside_the_rooms(package: str, limit: int) -> None:
    assert len(list((ROOT / package).glob("*.py"))) <= limit


@pytest.mark.parametrize("module", [name for name in SOURCES if name.split(".")[0] == "cloudplow"])
def test_core_knows_neither_dashboard_nor_web_server(module: str) -> None:
    assert {name.split(".")[0] for name in IMPORTS[module]} & WEB == set()


@pytest.mark.parametrize("module", [name for name in SOURCES if name.startswith(LIKE_PLUGINS)])
def test_dashboard_and_services_use_only_the_open_parts_of_the_core(module: str) -> None:
    core = {name for name in our_imports(module) if name.split(".")[0] == "cloudplow"}
    own = {name for name in core if name.startswith("cloudplow.services")} if module.startswith("cloudplow.") else set()

    assert core - own - OPEN_TO_PLUGINS == set()


@pytest.mark.parametrize("module", SOURCES)
def test_only_three_modules_start_processes(module: str) -> None:
    if module not in STARTS_PROCESSES:
        assert not {"subprocess", "multiprocessing"} & {name.split(".")[0] for name in IMPORTS[module]}


@pytest.mark.parametrize("module", SOURCES)
def test_an_import_in_a_function_says_what_it_saves(module: str) -> None:
    source = SOURCES[module].read_text(encoding="utf-8")
    lines = source.splitlines()
    functions = [one for one in ast.walk(ast.parse(source)) if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)]
    inside = [node for one in functions for node in ast.walk(one) if isinstance(node, ast.Import | ast.ImportFrom)]
    above = {node.lineno: "\n".join(lines[max(0, node.lineno - 6) : node.lineno]) for node in inside}
    unexplained = [number for number, text in above.items() if not re.search(r"\d+ ms", text)]

    assert unexplained == [], f"{module}: say in a comment above how many milliseconds an import in a function saves"


def test_a_circle_is_found() -> None:
    assert without_free({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()}).keys() == {"a", "b", "c"}


def test_the_reader_of_imports_sees_every_form(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    is_module.cache_clear()
    package = tmp_path / "cloudplow" / "rclone"
    package.mkdir(parents=True)
    for name in ("__init__.py", "log.py", "verdict.py"):
        (package / name).touch()
    (tmp_path / "cloudplow" / "__init__.py").touch()
    source = package / "binary.py"
    source.write_text(
        "import flask.json\n"
        "from cloudplow import rclone, hookimpl\n"
        "from . import log\n"
        "from .verdict import judge\n"
        "from .. import rclone as again\n"
        "def f():\n    import uvicorn\n"
    )

    found = set(imports(source))
    is_module.cache_clear()
    assert found == {
        "flask.json",
        "cloudplow",
        "cloudplow.rclone",
        "cloudplow.rclone.log",
        "cloudplow.rclone.verdict",
        "uvicorn",
    }
