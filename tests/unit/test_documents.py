"""README.md and docs/plugins.md against the code: tables, statuses, signals and hooks that cannot drift."""

from __future__ import annotations

import argparse
import inspect
import json
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from pydantic import BaseModel

import cloudplow_dashboard
from cloudplow import events, hookspecs, signals
from cloudplow.cli import build_parser
from cloudplow.config.models import Config
from cloudplow.config.sample import sample_text
from cloudplow.errors import ExitStatus
from cloudplow_dashboard.web.routes import ROUTES

ROOT: Final = Path(__file__).parents[2]
README: Final = (ROOT / "README.md").read_text(encoding="utf-8")
PLUGINS: Final = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
HOOKS: Final = {name: hook for name, hook in vars(hookspecs).items() if name.startswith("cloudplow_")}


def section(heading: str) -> str:
    """What stands below a heading of README, up to the next one of that level."""
    match = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", README, re.MULTILINE | re.DOTALL)
    assert match is not None, f"README has no heading ## {heading}"
    return match[1]


def rows(text: str) -> list[list[str]]:
    """The cells of every row of every table in a text, without headings."""
    found = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip("|"))]
        if line.startswith("|") and not set(cells[0]) <= {"-", " "}:
            found.append(cells)
    return [cells for cells in found if cells[0].startswith("`")]


# Commands


def commands() -> dict[str, argparse.ArgumentParser]:
    """Every command of the core and of the dashboard."""
    parser = build_parser(["--help"])
    action = next(one for one in parser._actions if isinstance(one, argparse._SubParsersAction))
    return dict(action.choices)


COMMAND_ROWS: Final = {row[0].strip("`").split()[0]: row[0].strip("`") for row in rows(section("Commands"))}


def test_readme_has_every_command_and_no_other() -> None:
    assert COMMAND_ROWS.keys() == commands().keys()


@pytest.mark.parametrize("name", COMMAND_ROWS)
def test_readme_has_every_option_of_a_command_and_no_other(name: str) -> None:
    actions = [one for one in commands()[name]._actions if not isinstance(one, argparse._HelpAction)]
    options = {option for one in actions for option in one.option_strings} - common_options()
    positional = {str(one.metavar) for one in actions if not one.option_strings}

    assert set(re.findall(r"--[\w-]+", COMMAND_ROWS[name])) == options
    assert set(re.findall(r"\[([A-Z]+) \.\.\.\]", COMMAND_ROWS[name])) <= positional
    assert positional <= set(re.findall(r"\b[A-Z]+\b", COMMAND_ROWS[name]))


def common_options() -> set[str]:
    """The options of every command."""
    options = {option for one in build_parser()._actions for option in one.option_strings}
    return options - {"-h", "--help", "--version"}


@pytest.mark.parametrize("name", COMMAND_ROWS)
def test_every_command_takes_the_options_that_all_have(name: str) -> None:
    assert common_options() <= {option for one in commands()[name]._actions for option in one.option_strings}


def test_readme_names_the_options_that_every_command_takes() -> None:
    usage = section("Commands").partition("COMMAND")[2].partition("`")[0]

    assert set(re.findall(r"--[\w-]+", usage)) == common_options()


def test_readme_has_every_exit_status() -> None:
    told = re.search(r"Exit status: (.*?)\. ", section("Commands"), re.DOTALL)
    assert told is not None
    assert [int(number) for number in re.findall(r"(?:^|· )(\d+) ", told[1])] == sorted(ExitStatus)


def test_readme_names_the_signals_that_end_a_command() -> None:
    handled = {signal.Signals(number).name for number in signals.ENDING}

    assert set(re.findall(r"SIG[A-Z]+", section("Commands"))) == handled


# Configuration


def field_of(path: str) -> Any:
    """The field of a model that a path such as "remotes.NAME.upload_folder" names. Raises KeyError."""
    names = [part for part in path.split(".") if part != "NAME"]
    model: Any = Config
    if names[0] == "dashboard":
        model = cloudplow_dashboard.cloudplow_config_section()[1]
        names = names[1:]
    for name in names[:-1]:
        model = _model_in(model.model_fields[name].annotation)
    return model.model_fields[names[-1]]


def _model_in(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(one for one in annotation.__args__ if isinstance(one, type) and issubclass(one, BaseModel))


def key_rows() -> Iterator[tuple[str, str]]:
    """Every key of the table and its default; `dashboard.host`, `.port` in one row are two."""
    for cells in rows(section("Configuration").partition("###")[0]):
        keys = re.findall(r"`([\w.]+)`", cells[0])
        prefix = keys[0].rpartition(".")[0]
        defaults = [one.strip() for one in cells[1].split(",")] if len(keys) > 1 else [cells[1]]
        for key, default in zip(keys, defaults, strict=True):
            yield (prefix + key if key.startswith(".") else key), default.strip("`")


@pytest.mark.parametrize(("key", "default"), list(key_rows()))
def test_every_key_of_readme_exists_and_has_its_default(key: str, default: str) -> None:
    field = field_of(key)
    written = (field.json_schema_extra or {}).get("written", field.get_default(call_default_factory=True))

    if default in ("", "none", "found", "rclone's own"):
        assert written in (None, ())
    elif default in ("[]", "{}"):
        assert not written
    else:
        plain = list(written) if isinstance(written, tuple) else written
        plain = int(plain) if isinstance(plain, float) and plain == int(plain) else plain
        assert default in (str(plain), json.dumps(plain))


def test_the_sample_is_the_one_that_the_program_writes() -> None:
    assert (ROOT / "config.json.sample").read_text(encoding="utf-8") == sample_text()


# HTTP


def test_readme_has_every_route_and_no_other() -> None:
    told = set()
    for cells in rows(section("HTTP")):
        paths = re.findall(r"`([/.][\w/.]*)(?:\?[^`]*)?`", cells[0])
        for path in paths:
            told.add(path if path.startswith("/") else re.sub(r"\.\w+$", path, paths[0]))
    for first, ending in re.findall(r"`(/[\w/]+\.csv)`, `(\.json)`", section("HTTP")):
        told.add(first.replace(".csv", ending))

    assert told == {route.path for route in ROUTES} | {"/"}


# Events and hooks


def test_readme_names_every_signal_and_every_hook() -> None:
    text = section("Events and plugins").partition("Signals:")[2]
    signals, _, hooks = text.partition("Hooks:")

    assert set(re.findall(r"`(\w+)`", signals)) == events.SIGNALS.keys()
    assert set(re.findall(r"`(cloudplow_\w+)`", hooks)) - {"cloudplow_dashboard"} == HOOKS.keys()


@pytest.mark.parametrize("name", HOOKS)
def test_every_hook_says_what_its_arguments_are_and_has_a_test_that_names_it(name: str) -> None:
    hook = HOOKS[name]
    text = hook.__doc__ or ""
    described = {"app", "config"}  # typed by Protocols that describe every member

    assert len(text) > 40
    for argument in inspect.signature(hook).parameters:
        assert argument in described or re.search(rf"\b{argument}s?\b", text), f"{name}: what is {argument}?"
    tests = [path for path in (ROOT / "tests").rglob("test_*.py") if path.name != Path(__file__).name]
    assert any(name in path.read_text(encoding="utf-8") for path in tests)


@pytest.mark.parametrize("protocol", [hookspecs.PluginApp, hookspecs.PluginStateFiles, hookspecs.PluginControls])
def test_docs_name_everything_that_a_plugin_is_given(protocol: type) -> None:
    members = [name for name in vars(protocol) if not name.startswith("_")]

    assert [name for name in members if not re.search(rf"`{name}\b", PLUGINS)] == []


@pytest.mark.parametrize("protocol", [hookspecs.PluginApp, hookspecs.PluginStateFiles, hookspecs.PluginControls])
def test_every_method_that_a_plugin_is_given_says_what_it_does(protocol: type) -> None:
    methods = {name: one for name, one in vars(protocol).items() if inspect.isfunction(one) and name[0] != "_"}

    assert [name for name, one in methods.items() if not one.__doc__] == []


# Paths and names

ARCHITECTURE: Final = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
NAMED_IN: Final = re.findall(r"((?:`\w+`(?:,| and)?\s+)+)in\s+`([\w/.]+\.(?:py|js|ts))`", ARCHITECTURE)


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`([\w.-]+/[\w./-]*)`", ARCHITECTURE + README))))
def test_a_path_that_a_document_names_is_there(path: str) -> None:
    made_by_a_run = ("docs/api.md", "/")  # routes look like paths
    assert (ROOT / path).exists() or path.startswith(made_by_a_run) or path.startswith(("api/", "application/"))


@pytest.mark.parametrize(("names", "path"), NAMED_IN, ids=[path for _, path in NAMED_IN])
def test_what_architecture_says_is_in_a_file_is_in_it(names: str, path: str) -> None:
    text = (ROOT / path).read_text(encoding="utf-8")

    assert [name for name in re.findall(r"`(\w+)`", names) if not re.search(rf"\b{name}\b", text)] == []


def test_architecture_does_name_things_in_files() -> None:
    assert len(NAMED_IN) >= 8
