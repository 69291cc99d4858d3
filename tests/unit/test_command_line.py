"""The command line as older installations write it: options on both sides, levels, places of the configuration."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from cloudplow.cli import build_parser, main
from cloudplow.commands import options as command_options
from cloudplow.commands.options import config_path, ensure_config, log_level, log_path, require_config, state_dir
from cloudplow.config.places import user_config_path
from cloudplow.config.sample import sample_text
from cloudplow.errors import ConfigError
from cloudplow.terminal import logs

COMMANDS = ["upload", "plan", "accounts", "check", "demo", "update_config", "healthcheck", "run", "clean", "sync"]


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to stand in, an empty home beside it, and none of the user's variables."""
    for name in ("CONFIG", "LOGFILE", "CACHEFILE", "LOGLEVEL"):
        monkeypatch.delenv(f"CLOUDPLOW_{name}", raising=False)
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    for folder in ("here", "home"):
        (tmp_path / folder).mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path / "here")
    machine = tuple(tmp_path / part / "config.json" for part in ("container", "opt"))
    monkeypatch.setattr(
        command_options,
        "config_places",
        lambda: (Path("config.json"), user_config_path(), *machine),
    )
    return tmp_path


def parsed(*words: str) -> argparse.Namespace:
    return build_parser(words).parse_args(words)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("form", [["--config=/c", "--loglevel=debug"], ["--config", "/c", "--loglevel", "DEBUG"]])
def test_options_are_understood_before_and_after_every_command(command: str, form: list[str]) -> None:
    for words in ([*form, command], [command, *form]):
        given = parsed(*words)
        assert (config_path(given), log_level(given)) == (Path("/c"), "DEBUG")


def test_an_option_after_the_command_wins() -> None:
    assert config_path(parsed("--config", "/a", "upload", "google", "--config", "/b")) == Path("/b")


def test_names_and_options_may_be_mixed() -> None:
    given = parsed("upload", "--loglevel=WARN", "one", "two", "--dry-run")
    assert given.names == ["one", "two"] and given.dry_run


def test_an_argument_wins_over_the_environment_and_that_over_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CONFIG", "LOGFILE", "CACHEFILE"):
        monkeypatch.setenv(f"CLOUDPLOW_{name}", f"/environment/{name}")
    given = parsed("upload")
    assert config_path(given) == Path("/environment/CONFIG")
    assert log_path(given) == Path("/environment/LOGFILE")
    assert state_dir(given) == Path("/environment")
    given = parsed("upload", "--config=/a/c", "--logfile=/a/l", "--cachefile=/a/b/cache.db")
    assert (config_path(given), log_path(given), state_dir(given)) == (Path("/a/c"), Path("/a/l"), Path("/a/b"))


def test_a_cachefile_that_is_a_folder_is_the_folder(place: Path) -> None:
    assert state_dir(parsed("upload", "--cachefile", str(place / "here"))) == place / "here"


def test_the_old_database_is_looked_for_at_its_name_and_beside_the_configuration(place: Path) -> None:
    here = place / "here"
    given = parsed("upload", "--config", str(here / "config.json"), "--cachefile", str(place / "home" / "bans.db"))
    assert command_options.old_cache_path(given) is None
    for path in (here / "cache.db", place / "home" / "cache.db", place / "home" / "bans.db"):
        path.write_bytes(b"")
        assert command_options.old_cache_path(given) == path


@pytest.mark.parametrize(
    ("variable", "level"), [("", "INFO"), (" ", "INFO"), ("debug", "DEBUG"), (" WARN ", "WARN"), ("warning", "WARN")]
)
def test_the_level_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], variable: str, level: str
) -> None:
    monkeypatch.setenv("CLOUDPLOW_LOGLEVEL", variable)
    assert log_level(parsed("upload")) == level
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("variable", ["TRACE", "2", "\x1b[2J"])
def test_a_variable_that_names_no_level_is_one_warning(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], variable: str
) -> None:
    monkeypatch.setenv("CLOUDPLOW_LOGLEVEL", variable)
    assert log_level(parsed("upload")) == "INFO"
    said = capsys.readouterr().err
    assert said.startswith('cloudplow: CLOUDPLOW_LOGLEVEL: "')
    assert said.endswith(" is not a level, so INFO is used; set it to WARN, INFO or DEBUG\n")
    assert "\x1b" not in said


def test_the_first_place_that_has_a_configuration_counts(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = parsed("plan")
    user = place / "home" / ".config" / "cloudplow" / "config.json"
    assert config_path(given) == user  # where a sample would go
    found = []
    for path in (place / "opt", place / "container", user.parent, place / "here"):
        path.mkdir(parents=True, exist_ok=True)
        (path / "config.json").write_text("{}")
        found.append(config_path(given).absolute())
    assert [path.parent for path in found] == [place / "opt", place / "container", user.parent, place / "here"]


def test_the_users_place_is_below_xdg_config_home_if_that_is_a_whole_path(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(place / "xdg"))
    assert user_config_path() == place / "xdg" / "cloudplow" / "config.json"
    monkeypatch.setenv("XDG_CONFIG_HOME", "xdg")
    assert user_config_path() == place / "home" / ".config" / "cloudplow" / "config.json"


def test_a_missing_configuration_is_told_with_every_place_and_nothing_is_written(place: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        require_config(parsed("plan"))
    (fault,) = caught.value.faults
    assert str(place / "here" / "config.json") in fault and str(place / "opt" / "config.json") in fault
    assert "name one with --config" in fault
    with pytest.raises(ConfigError, match=r"/nowhere/c\.json: the file does not exist; correct the path"):
        require_config(parsed("plan", "--config", "/nowhere/c.json"))
    assert list((place / "here").iterdir()) == [] == list((place / "home").iterdir())


def test_a_sample_goes_to_the_file_named(place: Path) -> None:
    path = place / "new" / "c.json"
    with pytest.raises(ConfigError, match="did not exist, so a sample was written"):
        ensure_config(parsed("upload", "--config", str(path)))
    assert path.read_text() == sample_text()


@pytest.mark.parametrize("words", [("--json-log", "plan"), ("plan", "--json-log")])
def test_faults_for_machines_are_objects_wherever_the_option_stands(
    place: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, str]
) -> None:
    try:
        assert main([*words, "--config", str(place / "gone.json")]) == 2
    finally:
        logs.use_json(False)
    told = json.loads(capsys.readouterr().err)
    assert (told["level"], told["logger"]) == ("error", "cloudplow")
    assert "the file does not exist" in told["message"]


@pytest.mark.parametrize("command", ["clean", "sync"])
def test_a_command_that_is_not_there_yet_says_what_to_use(
    place: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    (place / "here" / "config.json").write_text("{}")
    assert main([command, "--loglevel=INFO"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f'cloudplow: "{command}" is not there yet; until it is, ')
