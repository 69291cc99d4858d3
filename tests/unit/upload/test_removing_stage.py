"""A stage in which rclone copies and we remove. In place of the processes: written lines and exit codes."""

from __future__ import annotations

import dataclasses
import errno
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from cloudplow.errors import RcloneError
from cloudplow.events import StageOutcome
from cloudplow.models import QueueFile
from cloudplow.rclone import running
from cloudplow.rclone.steering import Steering
from cloudplow.upload.listing import as_it_is
from cloudplow.upload.removal import Sources
from cloudplow.upload.removing_stage import RemovingStageRun
from cloudplow.upload.stage_terms import StageRequest, StageResult
from tests.unit.upload.test_stage import (
    CUT_OFF_LAST,
    LAST_WORD,
    Accepting,
    FakeProcess,
    Lines,
    Listener,
    finishing,
    line,
    stats_line,
)


def copied(name: str) -> bytes:
    return line("Copied (new)", name, objectType="*local.Object")


def there(name: str) -> bytes:
    return line("Skipped delete as --dry-run is set (size 5)", name, "notice", skipped="delete", size=5)


class Bench:
    """A source folder, and stages over files of 5 bytes in it."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.listener = Listener()
        self.asked: list[list[str]] = []
        self.calls: list[Sequence[str]] = []
        self.own: list[Mapping[str, str]] = []
        self.fault = ""
        self._processes: list[FakeProcess] = []
        self._monkeypatch = monkeypatch

    def process(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        pass_fds: Sequence[int],
        own: Mapping[str, str] | None = None,
    ) -> FakeProcess:
        self.calls.append(command)
        self.own.append(dict(own or {}))
        return self._processes.pop(0)(command, environment=environment, pass_fds=pass_fds)

    def ask(self, files: Sequence[QueueFile]) -> Sequence[str]:
        if self.fault:
            raise RcloneError(self.fault)
        self.asked.append([file.name for file in files])
        return ["rclone", "move", "--dry-run"]

    def run(
        self,
        names: str,
        output: Lines,
        answer: Lines = (),
        *,
        code: int = 0,
        answer_code: int = 0,
        meanwhile: Callable[[], None] = lambda: None,
        should_stop: Callable[[], bool] = lambda: False,
        steering: Steering | None = None,
        empty_folders: bool = False,
    ) -> StageResult:
        """output, answer: of the copy, and of the question what is there. meanwhile: happens before rclone speaks."""
        files = [QueueFile(name, 5) for name in names.split()]
        for file in files:
            (self.folder / file.name).parent.mkdir(exist_ok=True)
            (self.folder / file.name).write_bytes(b"12345")
        copy = FakeProcess([output], code)
        copy.before_batch = lambda left: meanwhile() if left else None
        self._processes = [copy, FakeProcess([answer], answer_code)]
        self._monkeypatch.setattr(running, "LineProcess", self.process)
        request = StageRequest(["rclone", "copy"], {}, files, self.folder, True, stored_bytes=lambda size: size)
        request = dataclasses.replace(request, steering=steering, own={"RCLONE_RC": "true"})
        sources = Sources(self.folder, [as_it_is(file, self.folder) for file in files])
        run = RemovingStageRun(request, self.listener, sources, self.ask, empty_folders=empty_folders)
        return run.run(should_stop, lambda: False)

    def left(self) -> list[str]:
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file())

    def replace(self, name: str = "a") -> None:
        (self.folder / "new").write_bytes(b"other")
        (self.folder / "new").replace(self.folder / name)

    def lock(self, number: int = errno.EACCES) -> None:
        def fails(_path: str, **_folder: int) -> None:
            raise OSError(number, os.strerror(number))

        self._monkeypatch.setattr(os, "unlink", fails)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(tmp_path, monkeypatch)


def test_file_is_removed_as_soon_as_it_has_arrived_and_nothing_is_asked(bench: Bench) -> None:
    result = bench.run("a b", [copied("a"), copied("b")])
    assert bench.left() == []
    assert bench.listener.told == [
        ("uploaded", "a", 5),
        ("transferred", "a", 5),
        ("uploaded", "b", 5),
        ("transferred", "b", 5),
    ]
    assert (result.verdict.outcome, result.files, result.bytes) == (StageOutcome.DONE, 2, 10)
    assert bench.asked == []


def test_file_that_took_over_the_name_meanwhile_stays_and_what_was_sent_is_charged(bench: Bench) -> None:
    result = bench.run("a", [copied("a")], meanwhile=bench.replace)
    assert (bench.folder / "a").read_bytes() == b"other"
    assert bench.listener.told == [("uploaded", "a", 5)]
    assert (result.files, result.changed, result.untouched, result.failed) == (0, [QueueFile("a", 5)], [], {})
    assert (result.verdict.outcome, result.doubtful) == (StageOutcome.DONE, frozenset())


def test_file_whose_name_another_one_had_while_rclone_read_that_stays(bench: Bench) -> None:
    result = bench.run("a", [line("Copied (new)", "a", size=7)])
    assert (bench.left(), [file.name for file in result.changed]) == (["a"], ["a"])
    assert bench.listener.told == [("uploaded", "a", 7)]


def test_file_that_changes_after_an_attempt_is_charged_for_each_attempt(bench: Bench) -> None:
    statistics = line("text", stats={"bytes": 10, "transferring": []})
    bench.run("a", [copied("a"), copied("a"), statistics], meanwhile=bench.replace)
    assert (bench.listener.names("uploaded"), bench.listener.wasted) == (["a"], [5])


def test_file_that_somebody_else_removed_after_it_was_sent_has_left(bench: Bench) -> None:
    result = bench.run("a", [copied("a")], meanwhile=(bench.folder / "a").unlink)
    assert (result.files, bench.listener.names("transferred")) == (1, ["a"])


def test_what_rclone_says_of_files_at_the_destination_is_not_about_ours(bench: Bench) -> None:
    result = bench.run("a", [line("Deleted", "a"), line("Moved (server-side)", "a")])
    assert (bench.left(), result.files, bench.listener.told) == (["a"], 0, [])


# What is there already


def test_file_that_was_there_leaves_without_a_charge(bench: Bench) -> None:
    result = bench.run("a b", [copied("b")], [there("a")])
    assert bench.asked == [["a"]]
    assert bench.left() == []
    assert bench.listener.told[2:] == [("already there", "a", 5)]
    assert (result.files, result.untouched) == (2, [])


def test_file_that_rclone_would_not_remove_stays(bench: Bench) -> None:
    would_move = line("Skipped move as --dry-run is set", "a", "notice", skipped="move", size=5)
    result = bench.run("a b", [], [would_move])
    assert (bench.left(), bench.listener.told) == (["a", "b"], [])
    assert [file.name for file in result.untouched] == ["a", "b"]


def test_file_that_took_over_the_name_is_not_asked_about_and_stays(bench: Bench) -> None:
    result = bench.run("a b", [], [there("a"), there("b")], meanwhile=bench.replace)
    assert bench.asked == [["b"]]
    assert bench.left() == ["a"]
    assert (result.changed, result.files) == ([QueueFile("a", 5)], 1)


def test_file_that_takes_over_the_name_during_the_question_stays(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    ask = bench.ask

    def ask_and_replace(files: Sequence[QueueFile]) -> Sequence[str]:
        command = ask(files)
        bench.replace()
        return command

    monkeypatch.setattr(bench, "ask", ask_and_replace)
    result = bench.run("a", [], [there("a")])
    assert (bench.folder / "a").read_bytes() == b"other"
    assert (result.changed, result.untouched, bench.listener.told) == ([QueueFile("a", 5)], [], [])


def test_vanished_file_is_not_asked_about(bench: Bench) -> None:
    bench.run("a", [], meanwhile=(bench.folder / "a").unlink)
    assert bench.asked == []


def test_among_files_that_failed_the_others_are_asked_about(bench: Bench) -> None:
    result = bench.run("a b", [line("Failed to copy: x", "a", "error"), LAST_WORD], [there("b")], code=1)
    assert bench.asked == [["b"]]
    assert (result.verdict.outcome, list(result.failed), result.files) == (StageOutcome.FILES_FAILED, ["a"], 1)


def test_file_of_which_a_later_attempt_found_that_it_had_arrived_is_charged(bench: Bench) -> None:
    result = bench.run("a", [line("Failed to copy: timeout", "a", "error")], [there("a")])
    assert bench.listener.told == [("uploaded", "a", 5), ("transferred", "a", 5)]
    assert (result.verdict.outcome, result.failed) == (StageOutcome.DONE, {})


@pytest.mark.parametrize("code", [-9, 1])
def test_after_a_bad_end_nothing_is_asked(bench: Bench, code: int) -> None:
    result = bench.run("a", [stats_line(a=(1, 5))], code=code)
    assert bench.asked == []
    assert [file.name for file in result.untouched] == ["a"]
    assert result.doubtful == {"a"}


def test_question_that_fails_is_no_fault_of_the_files(bench: Bench) -> None:
    offline = line("lookup x: no such host", "", "error")
    result = bench.run("a b", [copied("b")], [offline, LAST_WORD], answer_code=1)
    assert result.verdict.outcome not in (StageOutcome.DONE, StageOutcome.FILES_FAILED)
    assert (result.failed, result.doubtful, result.files) == ({}, frozenset(), 1)


def test_question_that_cannot_be_asked_ends_the_stage_with_its_reason(bench: Bench) -> None:
    bench.fault = "the list cannot be written"
    result = bench.run("a", [])
    assert (result.verdict.outcome, result.verdict.reason) == (StageOutcome.FAILED, bench.fault)


def test_stop_during_the_question_puts_nothing_in_doubt(bench: Bench) -> None:
    result = bench.run("a b", [copied("b")], [], should_stop=lambda: len(bench.calls) > 1)
    assert (result.verdict.outcome, result.doubtful, result.files) == (StageOutcome.INTERRUPTED, frozenset(), 1)


def test_question_that_hangs_is_a_stalled_stage(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "cloudplow.rclone.stalls.StallWatch.fault", lambda _watch: "it hangs" if len(bench.calls) > 1 else ""
    )
    result = bench.run("a", [])
    assert (result.verdict.outcome, result.verdict.reason) == (StageOutcome.STALLED, "it hangs")
    assert result.doubtful == frozenset()


# What cannot be removed


@pytest.mark.parametrize(("number", "stuck"), [(errno.EACCES, "a"), (errno.EBUSY, "")])
def test_file_that_cannot_be_removed_is_charged_and_has_failed(bench: Bench, number: int, stuck: str) -> None:
    bench.lock(number)
    result = bench.run("a", [copied("a")])
    assert (bench.left(), bench.listener.names("uploaded"), bench.listener.names("failed")) == (["a"], ["a"], ["a"])
    assert (result.verdict.outcome, list(result.failed), "".join(result.stuck)) == (
        StageOutcome.FILES_FAILED,
        ["a"],
        stuck,
    )
    assert (result.untouched, result.changed, result.doubtful) == ([], [], frozenset())


def test_file_that_was_there_and_cannot_be_removed_has_failed_without_a_charge(bench: Bench) -> None:
    bench.lock()
    result = bench.run("a", [], [there("a")])
    assert bench.listener.names("uploaded") == []
    assert (result.verdict.outcome, list(result.stuck)) == (StageOutcome.FILES_FAILED, ["a"])


# Files on their way


@pytest.mark.parametrize(
    "on_its_way", ["long name.0a1b2c3d.partial", "long n.0a1b2c3d.partial", "long name.0a1b2c3d.x"]
)
def test_failure_that_names_only_the_file_on_its_way_is_that_of_the_file(bench: Bench, on_its_way: str) -> None:
    (bench.folder / "long name").write_bytes(b"12345")
    files = [QueueFile("long name", 5)]
    bench._processes = [FakeProcess([[line("partial file rename failed: x", on_its_way, "error"), LAST_WORD]], 1)]
    bench._monkeypatch.setattr(running, "LineProcess", bench.process)
    request = StageRequest(["rclone", "copy"], {}, files, bench.folder, True)
    sources = Sources(bench.folder, [as_it_is(file, bench.folder) for file in files])
    result = RemovingStageRun(request, bench.listener, sources, bench.ask).run(lambda: False, lambda: False)
    assert result.failed == {"long name": "partial file rename failed: x"}


def test_failure_of_one_of_several_files_with_alike_names_is_nobodys(bench: Bench) -> None:
    output = [line("partial file rename failed: x", "l.0a1b2c3d.partial", "error"), LAST_WORD]
    result = bench.run("l1 l2", output, code=1)
    assert (result.verdict.outcome, result.failed) == (StageOutcome.FAILED, {})


# Folders


@pytest.mark.parametrize("empty_folders", [False, True])
def test_folder_that_files_have_left_empty_goes_if_that_was_asked_for(bench: Bench, empty_folders: bool) -> None:
    bench.run("x/a y/b", [copied("x/a")], [there("y/b")], empty_folders=empty_folders)
    assert sorted(path.name for path in bench.folder.iterdir()) == ([] if empty_folders else ["x", "y"])


def test_folder_stays_after_an_interruption(bench: Bench) -> None:
    bench.run("x/a", [copied("x/a")], code=-15, empty_folders=True)
    assert [path.name for path in bench.folder.iterdir()] == ["x"]


def test_only_the_upload_is_steered_and_not_the_question_after_it(bench: Bench) -> None:
    steering = Steering(lambda _port: Accepting())
    result = bench.run("a b", [copied("a")], [there("b")], steering=steering)
    assert result.verdict.outcome is StageOutcome.DONE
    assert bench.own == [{"RCLONE_RC": "true"}, {}]
    assert not steering.can_steer


def test_asked_to_begin_no_more_files_it_removes_what_has_arrived_and_asks_nothing(bench: Bench) -> None:
    result = bench.run("a b c", [copied("a"), *CUT_OFF_LAST], code=8, steering=finishing())
    assert result.verdict.outcome is StageOutcome.INTERRUPTED
    assert (result.files, result.doubtful, bench.asked) == (1, frozenset(), [])
    assert sorted(path.name for path in bench.folder.iterdir()) == ["b", "c"]
