"""What rclone is asked before everything is imported: to the letter what an upload asks, or nothing at all."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from cloudplow.commands import head_start
from cloudplow.commands.head_start import Question, questions
from cloudplow.control.places import SOCKET_FILE
from cloudplow.installation import Installation
from cloudplow.rclone import early
from cloudplow.rclone.process import Completed
from cloudplow.upload import preflight

ANSWER = Completed(0, b"{}", b"")


class Asked:
    """Stands for a `Background` whose answer is there."""

    def get(self, _stop: object = None) -> Completed:
        return ANSWER


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an rclone that nobody starts, and none of the user's variables."""
    for name in ("CLOUDPLOW_CONFIG", "CLOUDPLOW_CACHEFILE", "core", "remotes", "uploader"):
        monkeypatch.delenv(name, raising=False)
    rclone = tmp_path / "rclone"
    rclone.touch()
    rclone.chmod(rclone.stat().st_mode | stat.S_IXUSR)
    (tmp_path / "media").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Question]:
    """What an upload asks, in place of rclone."""
    found: list[Question] = []

    def ask(command: Sequence[str], *, timeout_seconds: float | None, silence_seconds: float | None) -> Asked:
        found.append(Question(tuple(command), timeout_seconds, silence_seconds))
        return Asked()

    monkeypatch.setattr(preflight, "ask", ask)
    return found


def write(place: Path, *, core: dict[str, Any] | None = None, **remote: Any) -> Path:
    """A configuration of two uploaders; remote: what the second one has besides."""
    first = {"upload_folder": str(place / "media"), "upload_remote": "gdrive:"}
    document = {
        "plugins": [],
        "core": {"rclone_binary_path": str(place / "rclone"), **(core or {})},
        "remotes": {"first": first, "second": {"upload_folder": "~/media", "upload_remote": "vault:x y", **remote}},
        "uploader": {"first": {}, "second": {}},
    }
    path = place / "config.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def asks(path: Path, name: str) -> None:
    """What `cloudplow upload` does until everything is asked."""
    here = Installation(path, path.parent)
    task = here.tasks([name])[0]
    flight = here.begin_preflight()
    flight.begin_listing(task)
    flight.begin_flags(task)


def hashed(found: Sequence[Question]) -> set[Question]:
    return {question._replace(command=tuple(question.command)) for question in found}


@pytest.mark.parametrize(
    "remote",
    [
        {},
        {"rclone_command": "copy"},
        {"rclone_excludes": ["*.nfo", "", "a b/**"]},
        {"rclone_extras": {"transfers": 8, "v": None, "--fast-list": True, "--min-age": "1m", "--links": None}},
        {"rclone_extras": {"--drive-chunk-size": "64M", "--exclude=a": None, "--exclude=b": None}},
        {"rclone_extras": None, "rclone_excludes": None},
        {"upload_folder": "~/not there"},
    ],
)
@pytest.mark.parametrize("core", [{}, {"rclone_config_path": "~/r.conf", "stall_minutes": 0}, {"stall_minutes": 2.5}])
def test_what_is_asked_in_advance_is_what_an_upload_asks(
    place: Path, asked: list[Question], remote: dict[str, Any], core: dict[str, Any]
) -> None:
    path = write(place, core=core, **remote)

    asks(path, "second")

    assert hashed(questions(["upload", "second", f"--config={path}"])) == hashed(asked)
    assert asked


def test_a_section_of_the_environment_counts(
    place: Path, asked: list[Question], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(place)
    (place / "other").mkdir()
    first = {"upload_folder": str(place / "other"), "upload_remote": "gdrive:"}
    monkeypatch.setenv("remotes", json.dumps({"first": first, "second": first}))

    asks(path, "first")

    assert hashed(questions(["--loglevel", "WARN", "upload", "--config", str(path)])) == hashed(asked)
    assert any(str(place / "other") in question.command for question in asked)


@pytest.mark.parametrize(
    "arguments",
    [
        ["plan"],
        ["run"],
        ["upload", "--help"],
        ["upload", "nobody"],
        ["upload", "--conf=x"],
        ["--config=nowhere", "upload"],
        ["plan", "upload"],
        [],
        ["upload", "--config"],
    ],
)
def test_nothing_is_asked_of_what_may_be_no_upload(place: Path, arguments: list[str]) -> None:
    write(place)
    assert questions(["upload"])

    assert questions(arguments) == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        "{}",
        '{"remotes": 1}',
        '{"remotes": {}, "uploader": {}}',
        '{"remotes": {"a": []}, "uploader": {"a": {}}}',
        "\0",
    ],
)
def test_a_configuration_with_faults_asks_nothing(place: Path, text: str) -> None:
    (place / "config.json").write_text(text, encoding="utf-8")

    assert questions(["upload"]) == []


def test_nothing_is_asked_where_no_folder_is_left_to_stand_in(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "gone").mkdir()
    monkeypatch.chdir(place / "gone")
    (place / "gone").rmdir()

    assert questions(["upload"]) == []


def test_a_machine_without_threads_to_spare_is_asked_later(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    write(place)
    monkeypatch.setattr(early, "Background", refuse)

    head_start.begin(["upload"])


def test_a_command_that_asks_for_a_password_is_not_run_in_advance(place: Path) -> None:
    write(place, rclone_extras={"password-command": "pass rclone"})

    assert questions(["upload", "first"]) == []


@pytest.mark.parametrize("flag", ["log-file", "--rc", "config", "bad flag", "files-from"])
def test_flags_that_will_be_refused_never_reach_rclone(place: Path, flag: str) -> None:
    write(place, rclone_extras={"--transfers": 8, flag: "x"})

    found = questions(["upload", "second"])

    assert [list(question.command)[1:3] for question in found] == [["config", "dump"]]


@pytest.mark.parametrize("cachefile", [None, "state", "state/cache.db"])
def test_nothing_is_asked_beside_an_instance_that_does_the_work(place: Path, cachefile: str | None) -> None:
    write(place)
    (place / "state").mkdir()
    arguments = ["upload", *(["--cachefile", cachefile] if cachefile else [])]
    assert questions(arguments)
    (place / ("state" if cachefile else ".") / SOCKET_FILE).touch()

    assert questions(arguments) == []


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Callable[[], Completed]]]:
    """What would be run in the background."""
    found: list[Callable[[], Completed]] = []

    def background(function: Callable[[], Completed], _name: str) -> Asked:
        found.append(function)
        return Asked()

    monkeypatch.setattr(early, "Background", background)
    early.forget()
    yield found
    early.forget()


def test_an_early_answer_is_given_once_and_only_to_the_same_question(started: list[object]) -> None:
    early.begin(["rclone", "lsf"], silence_seconds=900.0)
    first = early.ask(["rclone", "lsf", "x"], silence_seconds=900.0)
    other = early.ask(["rclone", "lsf"], silence_seconds=60.0)
    assert len(started) == 3

    taken = early.ask(["rclone", "lsf"], silence_seconds=900.0)
    assert len(started) == 3
    again = early.ask(["rclone", "lsf"], silence_seconds=900.0)

    assert len(started) == 4
    assert len({id(one) for one in (first, other, taken, again)}) == 4


def test_what_nobody_asked_for_is_forgotten(started: list[object]) -> None:
    early.begin(["rclone", "lsf"])
    early.forget()

    early.ask(["rclone", "lsf"])

    assert len(started) == 2


def test_all_questions_of_an_upload_are_begun(place: Path, started: list[object]) -> None:
    write(place, rclone_extras={"--transfers": 4})

    head_start.begin(["upload", "second"])

    assert len(started) == 3
