"""docs/plugins.md: the plugin in it works in a real upload, its snippets fit, and nothing is missing from it."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pytest

from cloudplow import events, hookspecs
from cloudplow.events import StageOutcome
from cloudplow.plugins import ENTRY_POINT_GROUP, Plugins
from tests.integration.local_site import REPOSITORY, LocalSite, Run

DOCUMENT: Final = (REPOSITORY / "docs" / "plugins.md").read_text(encoding="utf-8")
EXAMPLES: Final = REPOSITORY / "docs" / "examples"
SNIPPETS: Final = re.findall(r"^```python\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)
SIGNALS: Final = {event_type.signal_name: event_type for event_type in events.Event.__subclasses__()}
HOOKS: Final = {name: hook for name, hook in vars(hookspecs).items() if name.startswith("cloudplow_")}


def section(heading: str) -> str:
    """The text below a heading of the third level, up to the next heading."""
    match = re.search(rf"^### `{re.escape(heading)}`\n(.*?)(?=^#|\Z)", DOCUMENT, re.MULTILINE | re.DOTALL)
    assert match is not None, f"docs/plugins.md has no heading ### `{heading}`"
    return match[1]


# The example in a real upload


def said_by_the_example(run: Run) -> list[str]:
    """What the plugin logged, without time and level."""
    return re.findall(r"INFO +switch_notifier +(.*)", run.stdout)


def upload_with(site: LocalSite, name: str, *folders: Path) -> Run:
    site.write("one.mkv", 700_000)
    site.write("two.mkv", 600_000)
    site.add_accounts(3, quota=1_000_000)
    site.config["plugins"] = [name, *site.config["plugins"]]
    path = ":".join(map(str, [REPOSITORY, *folders]))
    return site.run("upload", environment=site.environment(PYTHONPATH=path))


def assert_it_worked(run: Run) -> None:
    assert run.status == 0, run.said
    said = said_by_the_example(run)
    # Two receivers, each in order; which of them is called first is not promised.
    assert [line for line in said if "->" in line] == [
        "google: start -> 1.json (first)",
        "google: 1.json -> 2.json (quota_used)",
    ]
    assert [line for line in said if "->" not in line] == [
        "google: Stage 1 started with 1.json: 1 file, 683.6 KB",
        "google: Stage 2 started with 2.json: 1 file, 585.9 KB",
    ]


@pytest.mark.rclone
def test_the_example_works_as_a_module_on_the_path(site: LocalSite) -> None:
    assert_it_worked(upload_with(site, "switch_notifier", EXAMPLES))


@pytest.mark.rclone
def test_the_example_works_as_an_installed_plugin(any_site: LocalSite) -> None:
    installed = any_site.root / "site-packages"
    metadata = installed / "switch_notifier-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: switch-notifier\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[{ENTRY_POINT_GROUP}]\nswitches = switch_notifier\n")
    (installed / "switch_notifier.py").write_bytes((EXAMPLES / "switch_notifier.py").read_bytes())

    assert_it_worked(upload_with(any_site, "switches", installed))


@pytest.mark.rclone
def test_an_installed_plugin_that_is_broken_stops_the_start_by_name(any_site: LocalSite) -> None:
    installed = any_site.root / "site-packages"
    metadata = installed / "broken-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[{ENTRY_POINT_GROUP}]\nswitches = no_such_module\n")

    run = upload_with(any_site, "switches", installed)

    assert run.status == 2
    assert run.stderr.splitlines() == [
        "cloudplow: plugins: \"switches\" cannot be loaded: ModuleNotFoundError: No module named 'no_such_module'"
    ]


# The document


def test_the_document_shows_the_example_as_it_is() -> None:
    assert (EXAMPLES / "switch_notifier.py").read_text(encoding="utf-8") in SNIPPETS


@pytest.mark.parametrize("number", range(len(SNIPPETS)))
def test_every_snippet_of_a_plugin_fits_the_hooks(number: int) -> None:
    snippet = SNIPPETS[number]
    connected = {name: set(signal.receivers) for name, signal in events.SIGNALS.items()}
    module: Any = ModuleType(f"snippet_{number}")
    exec(compile(snippet, f"docs/plugins.md, snippet {number}", "exec"), vars(module))
    if "hookimpl" not in snippet:
        assert any(connected[name] != set(signal.receivers) for name, signal in events.SIGNALS.items())
        for signal in events.SIGNALS.values():
            signal.disconnect(module.on_switch)
        return
    plugins = Plugins()
    plugins.manager.register(module)
    plugins.manager.check_pending()
    assert plugins.manager.get_hookcallers(module)


@pytest.mark.parametrize("name", HOOKS)
def test_every_hook_has_a_heading_with_its_arguments(name: str) -> None:
    code = HOOKS[name].__code__
    section(f"{name}({', '.join(code.co_varnames[: code.co_argcount])})")


@pytest.mark.parametrize("name", events.SIGNALS)
def test_every_event_has_a_heading_and_all_its_fields(name: str) -> None:
    text = section(name)
    common = {field.name for field in dataclasses.fields(events.Event)}
    fields = {field.name for field in dataclasses.fields(SIGNALS[name])} - common
    assert [field for field in fields if f"`{field}`" not in text] == []


def test_the_document_knows_no_event_and_no_hook_that_is_not_there() -> None:
    headings = re.findall(r"^### `(\w+)", DOCUMENT, re.MULTILINE)
    assert set(headings) == events.SIGNALS.keys() | HOOKS.keys()


def test_the_fields_that_all_events_carry_are_described() -> None:
    for field in dataclasses.fields(events.Event):
        assert f"| `{field.name}` |" in DOCUMENT


def test_every_outcome_of_a_stage_is_named() -> None:
    text = section("stage_finished")
    assert [outcome for outcome in StageOutcome if f"`{outcome}`" not in text] == []
