"""Plugins: named when they do not fit, isolated when they fail."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, cast

import pytest
from pydantic import BaseModel

from cloudplow import hookimpl
from cloudplow import plugins as plugins_module
from cloudplow.errors import ExitStatus, PluginError
from cloudplow.models import Capacity
from cloudplow.plugins import Plugins
from tests.unit.helpers import fresh

MakePlugin = Callable[..., str]


@pytest.fixture
def make_plugin() -> Iterator[MakePlugin]:
    """Makes an importable module of hooks: `make("name", cloudplow_start=function)`."""
    made: list[str] = []

    def make(name: str, **hooks: Callable[..., Any]) -> str:
        module = ModuleType(name)
        for hook, function in hooks.items():
            setattr(module, hook, hookimpl(function))
        sys.modules[name] = module
        made.append(name)
        return name

    yield make
    for name in made:
        del sys.modules[name]


def load(*names: str) -> Plugins:
    plugins = Plugins()
    plugins.load(names)
    return plugins


def fault_of(*names: str) -> str:
    with pytest.raises(PluginError) as caught:
        load(*names)
    assert caught.value.status is ExitStatus.USAGE
    assert "\n" not in str(caught.value)
    return str(caught.value)


APP: Any = SimpleNamespace()
POOL = [fresh("/keys/1.json"), fresh("/keys/2.json")]


# Loading


@pytest.mark.parametrize("name", ["no_such_plugin", "no_such.plugin", "", "with space", "../x", ".relative"])
def test_missing_plugin_is_named(name: str) -> None:
    assert fault_of(name).startswith(f'plugins: "{name}" ')


def test_missing_plugin_comes_with_a_cure() -> None:
    assert "install it, or remove it from the list" in fault_of("no_such_plugin")


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import no_such_thing", "No module named 'no_such_thing'"),
        ("1 / 0", "ZeroDivisionError"),
        ("def (", "SyntaxError"),
    ],
)
def test_plugin_that_cannot_be_imported_is_named_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, reason: str
) -> None:
    (tmp_path / "broken_plugin_of_test.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    fault = fault_of("broken_plugin_of_test")
    assert 'plugins: "broken_plugin_of_test" cannot be imported' in fault
    assert reason in fault


def test_misspelt_hook_is_found(make_plugin: MakePlugin) -> None:
    name = make_plugin("misspelt", cloudplow_strat=lambda app: None)
    fault = fault_of(name)
    assert '"misspelt" does not match the hooks of cloudplow' in fault
    assert "cloudplow_strat" in fault


def test_argument_that_no_hook_has_is_found(make_plugin: MakePlugin) -> None:
    name = make_plugin("curious", cloudplow_start=lambda application: None)
    assert "application" in fault_of(name)


def test_plugin_that_is_listed_twice_is_a_fault(make_plugin: MakePlugin) -> None:
    name = make_plugin("twice")
    assert '"twice" does not match the hooks of cloudplow' in fault_of(name, name)


def test_entry_point_is_a_plugin_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def load_point() -> object:
        return SimpleNamespace(cloudplow_may_upload=hookimpl(lambda: "from the entry point"))

    def entry_points(*, group: str, name: str) -> list[Any]:
        assert group == "cloudplow.plugins"
        return [SimpleNamespace(load=load_point)] if name == "installed" else []

    monkeypatch.setattr(plugins_module, "entry_points", entry_points)
    assert load("installed").may_upload("google") == "from the entry point"


def test_entry_point_that_cannot_be_loaded_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def load_point() -> object:
        raise AttributeError("no such object")

    monkeypatch.setattr(plugins_module, "entry_points", lambda **_selection: [SimpleNamespace(load=load_point)])
    assert 'plugins: "installed" cannot be loaded: AttributeError: no such object' in fault_of("installed")


def test_hook_may_leave_out_arguments(make_plugin: MakePlugin) -> None:
    name = make_plugin("modest", cloudplow_choose_account=lambda: "/keys/2.json")
    assert load(name).choose_account("google", POOL, []) == "/keys/2.json"


# Start and stop


def test_plugins_start_in_the_order_of_the_list_and_stop_in_reverse(make_plugin: MakePlugin) -> None:
    calls: list[str] = []
    names = [
        make_plugin(
            name,
            cloudplow_start=lambda app, name=name: calls.append(f"start {name}"),
            cloudplow_stop=lambda app, name=name: calls.append(f"stop {name}"),
        )
        for name in ("one", "two")
    ]
    plugins = load(*names)
    plugins.start(APP)
    plugins.stop(APP)
    assert calls == ["start one", "start two", "stop two", "stop one"]


def test_hook_that_asks_to_be_first_or_last_is(make_plugin: MakePlugin) -> None:
    calls: list[str] = []
    for name in ("last", "middle", "first"):
        make_plugin(name)
        module = cast(Any, sys.modules[name])
        mark = hookimpl(tryfirst=name == "first", trylast=name == "last")
        module.cloudplow_start = mark(lambda app, name=name: calls.append(name))
    load("last", "middle", "first").start(APP)
    assert calls == ["first", "middle", "last"]


def test_plugin_that_cannot_start_stops_the_start_with_its_name(make_plugin: MakePlugin) -> None:
    def fail(app: Any) -> None:
        raise OSError("port is taken")

    with pytest.raises(PluginError, match='plugins: "failing" failed to start: port is taken'):
        load(make_plugin("failing", cloudplow_start=fail)).start(APP)


def test_plugin_that_fails_while_stopping_does_not_keep_others_from_it(
    make_plugin: MakePlugin, caplog: pytest.LogCaptureFixture
) -> None:
    stopped: list[str] = []

    def fail(app: Any) -> None:
        raise OSError("cannot stop")

    make_plugin("good", cloudplow_stop=lambda app: stopped.append("good"))
    make_plugin("bad", cloudplow_stop=fail)
    load("good", "bad").stop(APP)
    assert stopped == ["good"]
    assert 'Plugin "bad" failed while stopping' in caplog.text


def test_plugin_that_fails_to_add_commands_does_not_keep_others_from_it(
    make_plugin: MakePlugin, caplog: pytest.LogCaptureFixture
) -> None:
    added: list[Any] = []
    make_plugin("bad", cloudplow_add_commands=lambda subparsers: 1 / 0)
    make_plugin("good", cloudplow_add_commands=lambda subparsers: added.append(subparsers))
    load("bad", "good").add_commands("parsers")
    assert added == ["parsers"]
    assert 'Plugin "bad" failed to add its commands' in caplog.text


# Questions


def test_sections_belong_to_their_plugins(make_plugin: MakePlugin) -> None:
    class Model(BaseModel):
        pass

    make_plugin("one", cloudplow_config_section=lambda: ("dashboard", Model))
    make_plugin("none", cloudplow_config_section=lambda: None)
    assert load("one", "none").config_sections() == {"dashboard": Model}
    make_plugin("two", cloudplow_config_section=lambda: ("dashboard", Model))
    with pytest.raises(PluginError, match='"two" claims the section "dashboard", which another plugin owns'):
        load("one", "two").config_sections()


@pytest.mark.parametrize("answer", [lambda: 1 / 0, lambda: "dashboard", lambda: ("dashboard",), lambda: 5])
def test_plugin_that_cannot_describe_its_section_is_named(make_plugin: MakePlugin, answer: Callable[[], Any]) -> None:
    with pytest.raises(PluginError, match='"odd" failed to describe its section'):
        load(make_plugin("odd", cloudplow_config_section=answer)).config_sections()


def test_first_reason_not_to_upload_counts_and_failing_plugins_have_none(
    make_plugin: MakePlugin, caplog: pytest.LogCaptureFixture
) -> None:
    make_plugin("failing", cloudplow_may_upload=lambda uploader: 1 / 0)
    make_plugin("content", cloudplow_may_upload=lambda uploader: None)
    make_plugin("busy", cloudplow_may_upload=lambda uploader: f"{uploader} is busy")
    make_plugin("later", cloudplow_may_upload=lambda uploader: "later")
    assert load("failing", "content", "busy", "later").may_upload("google") == "google is busy"
    assert 'Plugin "failing" failed to say whether google may upload' in caplog.text
    assert load("content").may_upload("google") is None


def test_first_account_that_is_chosen_counts(make_plugin: MakePlugin, caplog: pytest.LogCaptureFixture) -> None:
    def choose_last(accounts: list[Capacity], queue: Any) -> str:
        return accounts[-1].account

    make_plugin("failing", cloudplow_choose_account=lambda accounts: 1 / 0)
    make_plugin("undecided", cloudplow_choose_account=lambda accounts: None)
    make_plugin("wrong", cloudplow_choose_account=lambda accounts: "/keys/99.json")
    make_plugin("right", cloudplow_choose_account=choose_last)
    make_plugin("late", cloudplow_choose_account=lambda accounts: "/keys/1.json")
    plugins = load("failing", "undecided", "wrong", "right", "late")
    assert plugins.choose_account("google", POOL, []) == "/keys/2.json"
    assert 'Plugin "failing" failed to choose an account' in caplog.text
    assert '"wrong" chose the account "/keys/99.json", which is not in the pool' in caplog.text


@pytest.mark.parametrize("choice", [None, 5, ["/keys/1.json"], {}, ""])
def test_choice_that_is_no_account_is_none(make_plugin: MakePlugin, choice: Any) -> None:
    plugins = load(make_plugin("odd", cloudplow_choose_account=lambda accounts: choice))
    assert plugins.choose_account("google", POOL, []) is None


def test_without_plugins_nothing_is_asked() -> None:
    plugins = load()
    assert plugins.config_sections() == {}
    assert plugins.may_upload("google") is None
    assert plugins.choose_account("google", POOL, []) is None


# Check and healthcheck


def test_what_plugins_add_to_a_check_comes_in_their_order(make_plugin: MakePlugin) -> None:
    one = make_plugin("one", cloudplow_check=lambda app: [("ok", "one works"), ("warning", "one is old")])
    two = make_plugin("two", cloudplow_check=lambda: [("fault", "two is broken")])
    none = make_plugin("none", cloudplow_check=lambda: None)

    assert list(load(one, two, none).check(APP)) == [
        ("ok", "one works"),
        ("warning", "one is old"),
        ("fault", "two is broken"),
    ]


@pytest.mark.parametrize("answer", [[("ok",)], 5, ["ab", "c"]])
def test_a_plugin_that_cannot_check_itself_is_a_fault(make_plugin: MakePlugin, answer: Any) -> None:
    name = make_plugin("broken", cloudplow_check=lambda: answer)
    verdict, text = list(load(name).check(APP))[-1]

    assert (verdict, text.startswith('plugins: "broken" failed to check itself: ')) == ("fault", True)


def test_health_is_asked_of_every_plugin_and_those_that_cannot_ask_say_nothing(make_plugin: MakePlugin) -> None:
    def raises() -> str:
        raise OSError("no route")

    well = make_plugin("well", cloudplow_healthcheck=lambda config: "")
    ill = make_plugin("ill", cloudplow_healthcheck=lambda: "the disk is full")
    silent = make_plugin("silent", cloudplow_healthcheck=lambda: None)
    broken = make_plugin("broken", cloudplow_healthcheck=raises)

    assert load(well, ill, silent, broken).healthcheck(APP) == {
        "well": "",
        "ill": "the disk is full",
        "broken": 'plugin "broken" failed to query it: OSError: no route',
    }
