"""The arrows of docs/architecture.md: who may import whom. Reads the sources; imports nothing."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
#: What the dashboard may know of the core.
OPEN_TO_DASHBOARD: Final = {"cloudplow", "cloudplow.events", "cloudplow.units", "cloudplow.distribution"}
#: What a machine without a web server in it lacks.
WEB: Final = {"cloudplow_dashboard", "flask", "werkzeug", "jinja2", "uvicorn", "a2wsgi"}
#: Modules at the bottom, and all that they may import of the core.
BOTTOM: Final = {
    "cloudplow.errors": set[str](),
    "cloudplow.units": set[str](),
    "cloudplow.events": set[str](),
    "cloudplow.delivery": {"cloudplow.events"},
    "cloudplow.distribution": {"cloudplow.units"},
    "cloudplow.state.state_files": {"cloudplow.errors"},
}
#: Only these start processes, print, or end the program.
STARTS_PROCESSES: Final = {"cloudplow.rclone.process"}


def sources(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


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


def is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def core_imports(path: Path) -> set[str]:
    return {name for name in imports(path) if name.split(".")[0] == "cloudplow"}


@pytest.mark.parametrize("path", sources("cloudplow"), ids=module_name)
def test_core_knows_neither_dashboard_nor_web_server(path: Path) -> None:
    assert {name.split(".")[0] for name in imports(path)} & WEB == set()


@pytest.mark.parametrize("path", sources("cloudplow_dashboard"), ids=module_name)
def test_dashboard_uses_only_the_open_parts_of_the_core(path: Path) -> None:
    assert core_imports(path) - OPEN_TO_DASHBOARD == set()


@pytest.mark.parametrize(("module", "allowed"), BOTTOM.items())
def test_modules_at_the_bottom_import_nothing_from_above(module: str, allowed: set[str]) -> None:
    path = ROOT.joinpath(*module.split(".")).with_suffix(".py")

    assert core_imports(path) - allowed == set()


@pytest.mark.parametrize("path", [*sources("cloudplow"), *sources("cloudplow_dashboard")], ids=module_name)
def test_only_one_module_starts_processes(path: Path) -> None:
    if module_name(path) not in STARTS_PROCESSES:
        assert not {"subprocess", "multiprocessing"} & {name.split(".")[0] for name in imports(path)}


def test_no_module_imports_in_a_circle() -> None:
    names = {module_name(path): path for path in [*sources("cloudplow"), *sources("cloudplow_dashboard")]}
    arrows = {name: set(top_level_imports(path)) & names.keys() - {name} for name, path in names.items()}
    while free := [name for name, targets in arrows.items() if not targets]:
        for name in free:
            del arrows[name]
        arrows = {name: targets - set(free) for name, targets in arrows.items()}

    assert arrows == {}


def top_level_imports(path: Path) -> Iterator[str]:
    """Imports that happen while a module is loaded; those for type checkers and inside functions do not."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    loaded = {
        id(node)
        for statement in tree.body
        if not (isinstance(statement, ast.If) and "TYPE_CHECKING" in ast.unparse(statement.test))
        for node in ast.walk(statement)
        if not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    }
    for node in ast.walk(tree):
        if id(node) in loaded and isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif id(node) in loaded and isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                yield name if is_module(name) else node.module


def test_the_reader_of_imports_sees_every_form(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
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

    assert set(imports(source)) == {
        "flask.json",
        "cloudplow",
        "cloudplow.rclone",
        "cloudplow.rclone.log",
        "cloudplow.rclone.verdict",
        "uvicorn",
    }
