"""What a stage makes of rclone's lines. In place of the process: recorded or written lines and an exit code."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from cloudplow.events import StageOutcome
from cloudplow.models import QueueFile, printable_name
from cloudplow.rclone import running
from cloudplow.rclone.log import Stats
from cloudplow.rclone.rc import RcAnswer
from cloudplow.rclone.steering import Steering
from cloudplow.rclone.verdict import Denial
from cloudplow.upload.doubts import LANDING_SECONDS, LANDING_VARIABLE
from cloudplow.upload.stage import StageRun
from cloudplow.upload.stage_maker import stage_list_path
from cloudplow.upload.stage_terms import StageRequest, StageResult
from cloudplow.upload.triggers import Sleep
from tests.unit.rclone.recordings import CODES, SMALL, VERSIONS, lines

Lines = Sequence[bytes]


class FakeProcess:
    """In place of `LineProcess`: gives batches of lines, then ends."""

    def __init__(self, batches: Sequence[Lines], code: int) -> None:
        self._batches = list(batches)
        self._code = code
        self.calls: list[str] = []
        self.left = False
        self.before_batch: Callable[[int], None] = lambda _left: None

    def __call__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        pass_fds: Sequence[int],
        own: Mapping[str, str] | None = None,
    ) -> FakeProcess:
        self.own = dict(own or {})
        self.started = (list(command), dict(environment), tuple(pass_fds))
        return self

    def __enter__(self) -> FakeProcess:
        return self

    def __exit__(self, *_error: object) -> None:
        self.left = True

    def read_lines(self, _timeout_seconds: float) -> list[bytes] | None:
        self.before_batch(len(self._batches))
        return list(self._batches.pop(0)) if self._batches else None

    def terminate(self) -> None:
        self.calls.append("terminate")

    def kill(self) -> None:
        self.calls.append("kill")

    def wait(self) -> int:
        return self._code


class Listener:
    """Records what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, int]] = []
        self.progress: list[Stats] = []
        self.wasted: list[int] = []
        self.sent_of: Mapping[str, int] = {}

    def on_uploaded(self, file: QueueFile) -> None:
        self.told.append(("uploaded", file.name, file.size))

    def on_wasted(self, file: QueueFile) -> None:
        self.told.append(("wasted", file.name, file.size))
        self.wasted.append(file.size)

    def on_repeated(self, stored_bytes: int, sent_of: Mapping[str, int]) -> None:
        self.wasted.append(stored_bytes)
        self.sent_of = sent_of

    def on_skipped(self, file: QueueFile) -> None:
        self.told.append(("skipped", file.name, file.size))

    def on_transferred(self, file: QueueFile, *, already_there: bool) -> None:
        self.told.append(("already there" if already_there else "transferred", file.name, file.size))

    def on_failed(self, name: str, error: str) -> None:
        self.told.append(("failed", name, len(error)))

    def on_progress(self, stats: Stats, silent_seconds: float = 0) -> None:
        self.progress.append(stats)

    def on_silence(self, seconds: float) -> None:
        self.told.append(("silence", "", round(seconds)))

    def names(self, what: str) -> list[str]:
        return [name for kind, name, _ in self.told if kind == what]


def line(message: str, name: str = "", level: str = "info", **more: Any) -> bytes:
    return json.dumps({"level": level, "msg": message, "object": name, **more}).encode()


def stats_line(**transferring: tuple[int, int]) -> bytes:
    """Statistics with files in progress: name=(bytes, size)."""
    items = [{"name": name, "bytes": done, "size": size} for name, (done, size) in transferring.items()]
    return line("text", stats={"bytes": 1, "transferring": items})


#: What rclone says last when it ends by itself with an error.
LAST_WORD = b"2026/01/31 19:59:40 Failed to move: googleapi: Error 500: Internal Error, internalError"


class Bench:
    """A source folder, and stages over files in it."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.listener = Listener()
        self.process = FakeProcess([], 0)
        self._monkeypatch = monkeypatch

    def run(
        self,
        files: Mapping[str, int],
        output: Lines | Sequence[Lines],
        code: int = 0,
        *,
        moving: bool = True,
        sleeps: Mapping[str, Sleep] | None = None,
        should_stop: Callable[[], bool] = lambda: False,
        should_kill: Callable[[], bool] = lambda: False,
        process: FakeProcess | None = None,
        retry: bool = False,
        stored_bytes: Callable[[int], int] | None = lambda size: size,
        steering: Steering | None = None,
    ) -> StageResult:
        batches: Sequence[Any] = [output] if output and isinstance(output[0], bytes) else output
        self.process = process or FakeProcess(batches, code)
        self._monkeypatch.setattr(running, "LineProcess", self.process)
        request = StageRequest(
            command=["rclone", "move"],
            environment={"A": "b"},
            files=[QueueFile(name, size) for name, size in files.items()],
            folder=self.folder,
            moving=moving,
            pass_fds=(7,),
            sleeps=sleeps or {},
            retry=retry,
            stored_bytes=stored_bytes,
            steering=steering,
            own={"RCLONE_RC": "true"},
        )
        return StageRun(request, self.listener).run(should_stop, should_kill)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.delenv(LANDING_VARIABLE, raising=False)
    return Bench(tmp_path, monkeypatch)


# What both versions really say


@pytest.mark.parametrize("version", VERSIONS)
def test_recorded_move_is_uploaded_then_transferred(bench: Bench, version: str) -> None:
    result = bench.run(SMALL, lines(version, "moved"))
    assert result.verdict.outcome is StageOutcome.DONE
    assert (result.files, result.bytes) == (4, 5017)
    assert (result.failed, result.untouched) == ({}, [])
    assert (result.doubtful, result.landing_seconds) == (frozenset(), 0.0)
    assert sorted(bench.listener.names("uploaded")) == sorted(bench.listener.names("transferred")) == sorted(SMALL)
    for name in SMALL:
        kinds = [kind for kind, told, _ in bench.listener.told if told == name]
        assert kinds == ["uploaded", "transferred"]


@pytest.mark.parametrize("version", VERSIONS)
def test_recorded_copy_is_transferred_when_it_is_copied(bench: Bench, version: str) -> None:
    result = bench.run(SMALL, lines(version, "copied"), moving=False)
    assert (result.files, result.bytes) == (4, 5017)
    assert sorted(bench.listener.names("transferred")) == sorted(SMALL)


@pytest.mark.parametrize("version", VERSIONS)
def test_recorded_file_that_was_there_costs_nothing(bench: Bench, version: str) -> None:
    result = bench.run(SMALL, lines(version, "already-there"))
    assert (result.files, result.bytes) == (4, 5017)
    assert bench.listener.names("uploaded") == []
    assert sorted(bench.listener.names("already there")) == sorted(SMALL)


@pytest.mark.parametrize("version", VERSIONS)
def test_recorded_dry_run_moves_nothing_and_tells_of_every_file(bench: Bench, version: str) -> None:
    result = bench.run(SMALL, lines(version, "dry-run"))
    assert (result.verdict.outcome, result.files, result.untouched) == (StageOutcome.DONE, 0, [])
    assert sorted(bench.listener.told) == sorted(("skipped", name, size) for name, size in SMALL.items())


def test_dry_run_would_only_delete_what_is_there_already(bench: Bench) -> None:
    result = bench.run({"a": 5}, [line("Skipped delete as --dry-run is set", "a", "notice", skipped="delete", size=5)])
    assert (result.untouched, bench.listener.told) == ([], [])


@pytest.mark.parametrize("version", VERSIONS)
def test_recorded_denial_charges_what_arrived_and_blames_no_file(bench: Bench, version: str) -> None:
    files = {f"{number}.mkv": 1_500_000 for number in range(8)}
    for name in files:
        (bench.folder / name).touch()
    result = bench.run(files, lines(version, "denied"), CODES[f"{version}-denied"])
    assert (result.verdict.outcome, result.verdict.denial) == (StageOutcome.DENIED, Denial.DAILY_LIMIT)
    assert result.files == len(bench.listener.names("transferred")) == 5
    assert result.failed == {}
    assert len(result.untouched) == 3
    assert len(result.doubtful) < 3
    assert result.doubtful < {file.name for file in result.untouched}
    assert result.landing_seconds >= LANDING_SECONDS


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("case", ["revoked", "no-access", "read-only"])
def test_recorded_account_that_cannot_upload_blames_no_file(bench: Bench, version: str, case: str) -> None:
    result = bench.run(SMALL, lines(version, case), CODES[f"{version}-{case}"])
    assert result.verdict.outcome is StageOutcome.ACCOUNT_FAILED
    assert (result.files, result.failed, len(result.untouched)) == (0, {}, 4)


@pytest.mark.parametrize("version", VERSIONS)
def test_recorded_failure_names_its_file_and_the_others_arrive(bench: Bench, version: str) -> None:
    result = bench.run(SMALL, lines(version, "some-failed"), CODES[f"{version}-some-failed"])
    assert result.verdict.outcome is StageOutcome.FILES_FAILED
    assert (list(result.failed), result.files, result.untouched) == (["a.mkv"], 3, [])
    assert bench.listener.names("failed") == ["a.mkv"]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("case", ["max-transfer", "max-duration", "max-duration-soft"])
def test_recorded_limit_of_the_user_blames_no_file(bench: Bench, version: str, case: str) -> None:
    files = {f"{number}.mkv": 1_000_000 for number in range(6)}
    result = bench.run(files, lines(version, case), CODES[f"{version}-{case}"])
    assert (result.verdict.outcome, result.failed) == (StageOutcome.LIMIT_REACHED, {})


@pytest.mark.parametrize("version", VERSIONS)
def test_recorded_progress_is_passed_on(bench: Bench, version: str) -> None:
    bench.run({"big.mkv": 4_000_000, "other.mkv": 1_000_000}, lines(version, "progress"))
    assert bench.listener.progress[-1].total_bytes == 5_000_000


# Files


def test_file_that_nobody_planned_counts_for_nothing(bench: Bench) -> None:
    result = bench.run({"a": 5}, [line("Copied (new)", "b"), line("Deleted", "b"), line("Deleted", "folder")])
    assert (result.files, bench.listener.told) == (0, [])
    assert result.untouched == [QueueFile("a", 5)]


def test_file_that_grew_is_charged_with_its_true_size(bench: Bench) -> None:
    result = bench.run({"a": 5}, [line("Copied (new)", "a", size=8), line("Deleted", "a")])
    assert bench.listener.told == [("uploaded", "a", 8), ("transferred", "a", 8)]
    assert result.bytes == 8


def test_file_that_is_uploaded_twice_is_charged_once(bench: Bench) -> None:
    bench.run({"a": 5}, [line("Copied (new)", "a"), line("Copied (replaced existing)", "a"), line("Deleted", "a")])
    assert bench.listener.names("uploaded") == ["a"]


def test_file_whose_source_could_not_be_removed_was_paid_for_but_is_still_waiting(bench: Bench) -> None:
    (bench.folder / "a").touch()
    result = bench.run({"a": 5}, [line("Copied (new)", "a"), line("remove failed", "a", "error")], 1)
    assert bench.listener.names("uploaded") == ["a"]
    assert (result.files, result.untouched) == (0, [QueueFile("a", 5)])


def test_file_whose_removal_was_cut_off_has_left_when_it_is_gone(bench: Bench) -> None:
    (bench.folder / "b").touch()
    result = bench.run({"a": 5, "b": 6}, [line("Copied (new)", "a"), line("Copied (new)", "b")], -15)
    assert bench.listener.names("transferred") == ["a"]
    assert (result.files, result.untouched) == (1, [QueueFile("b", 6)])


def test_file_that_fails_and_then_arrives_has_not_failed(bench: Bench) -> None:
    output = [line("Failed to copy: x", "a", "error"), line("Copied (new)", "a"), line("Deleted", "a")]
    result = bench.run({"a": 5}, output)
    assert (result.verdict.outcome, result.failed) == (StageOutcome.DONE, {})
    assert bench.listener.names("failed") == []


def test_first_error_of_a_file_is_the_one_that_counts(bench: Bench) -> None:
    output = [
        line("corrupted on transfer: md5 hash differ", "a", "error"),
        line("Failed to copy: corrupted", "a", "error"),
        line("Not deleting source as copy failed: corrupted", "a", "error"),
    ]
    result = bench.run({"a": 5}, output, 1)
    assert result.failed == {"a": "corrupted on transfer: md5 hash differ"}


def test_name_that_is_no_utf8_is_recognised(bench: Bench) -> None:
    name = os.fsdecode(b"a\xffb")
    result = bench.run({name: 5}, [line("Copied (new)", "a\ufffdb"), line("Deleted", "a\ufffdb")])
    assert (result.files, bench.listener.names("transferred")) == (1, [name])
    assert printable_name(name) == "a\ufffdb"


def test_file_of_which_rclone_says_nothing_is_untouched(bench: Bench) -> None:
    result = bench.run({"a": 5}, [line("There was nothing to transfer")])
    assert (result.verdict.outcome, result.untouched) == (StageOutcome.DONE, [QueueFile("a", 5)])


def test_replaced_file_of_a_move_inside_a_remote_has_not_left_before_it_is_gone(bench: Bench) -> None:
    (bench.folder / "a").touch()
    result = bench.run({"a": 5}, [line("Deleted", "a")])
    assert (result.files, result.untouched) == (0, [QueueFile("a", 5)])


# What failures cost


def test_what_was_sent_twice_after_a_lost_answer_is_charged_twice(bench: Bench) -> None:
    statistics = line("text", stats={"bytes": 30, "transferring": []})
    result = bench.run({"a": 10, "b": 10}, [line("Copied (new)", "a"), line("Copied (new)", "b"), statistics])
    assert bench.listener.wasted == [10]
    assert result.doubtful == frozenset()


def test_a_large_file_that_is_refused_does_not_hide_what_was_sent_twice(bench: Bench) -> None:
    (bench.folder / "large").touch()
    output = [
        line("Copied (new)", "small", size=10),
        line("Failed to copy: googleapi: Error 403: User rate limit exceeded.", "large", "error"),
        line("text", stats={"bytes": 25, "transferring": []}),
        LAST_WORD,
    ]
    bench.run({"small": 10, "large": 1000}, output, 1)
    assert bench.listener.wasted == [15]


def test_what_was_sent_twice_is_told_beside_what_was_sent_of_files_in_doubt(bench: Bench) -> None:
    """The answer to `small` was lost; `refused` was denied, which cut `cut off` off after 60 bytes, or a few more."""
    for name in ("refused", "cut off"):
        (bench.folder / name).touch()
    output = [
        line("Copied (new)", "small", size=10),
        stats_line(**{"refused": (20, 20), "cut off": (60, 100)}),
        line("Failed to copy: googleapi: Error 403: User rate limit exceeded.", "refused", "error"),
        line("Failed to copy: context canceled", "cut off", "error"),
        line("text", stats={"bytes": 10 + 10 + 20 + 100, "transferring": []}),
        LAST_WORD,
    ]
    result = bench.run({"small": 10, "refused": 20, "cut off": 100}, output, 1)
    assert result.doubtful == {"refused", "cut off"}
    assert (bench.listener.wasted, bench.listener.sent_of) == ([50], {"refused": 20, "cut off": 60})


def test_file_that_was_uploaded_though_only_its_removal_is_logged_is_charged(bench: Bench) -> None:
    output = [line("Deleted", "a"), line("text", stats={"bytes": 10, "transferring": []})]
    bench.run({"a": 10}, output)
    assert bench.listener.names("already there") == ["a"]
    assert bench.listener.wasted == [10]


def test_file_whose_answer_was_lost_in_an_earlier_attempt_is_charged_when_it_leaves(bench: Bench) -> None:
    output = [
        line("Failed to copy: unexpected EOF", "a", "error"),
        line("Attempt 1/3 failed with 1 errors", level="error"),
        line("Deleted", "a"),
        line("text", stats={"bytes": 10, "transferring": []}),
    ]
    bench.run({"a": 10}, output)
    assert bench.listener.told == [("uploaded", "a", 10), ("transferred", "a", 10)]
    assert bench.listener.wasted == []


def test_corrupted_file_costs_all_its_bytes_once(bench: Bench) -> None:
    (bench.folder / "a").touch()
    output = [
        stats_line(a=(3, 10)),
        line("corrupted on transfer: md5 hash differ", "a", "error"),
        line("Failed to copy: corrupted on transfer: md5 hash differ", "a", "error"),
    ]
    result = bench.run({"a": 10}, output, 1)
    assert bench.listener.wasted == [10]
    assert result.doubtful == frozenset()


def test_corrupted_file_costs_all_its_bytes_again_with_each_attempt(bench: Bench) -> None:
    corrupted = line("corrupted on transfer: md5 hash differ", "a", "error")
    output = [corrupted, line("Attempt 1/2 failed with 1 errors", level="error"), corrupted]
    bench.run({"a": 10}, output, 1)
    assert bench.listener.wasted == [10, 10]


def test_corrupted_file_that_arrives_at_last_costs_both_uploads(bench: Bench) -> None:
    output = [
        line("corrupted on transfer: md5 hash differ", "a", "error"),
        line("Attempt 1/2 failed with 1 errors", level="error"),
        line("Copied (new)", "a"),
        line("Deleted", "a"),
    ]
    result = bench.run({"a": 10}, output)
    assert [kind for kind, _, _ in bench.listener.told] == ["wasted", "uploaded", "transferred"]
    assert result.doubtful == frozenset()


@pytest.mark.parametrize(
    "text",
    [
        "Failed to copy: Post: EOF",
        "Failed to copy: googleapi: Error 500: Internal Error, internalError",
        'Failed to copy: failed to make directory: Post "https://x": context canceled',
        "Failed to copy: source file is being updated (size changed from 1 to 2)",
        # It may be the answer to a second try, after that to the first was lost.
        "Failed to copy: googleapi: Error 403: User rate limit exceeded., userRateLimitExceeded",
    ],
)
def test_file_whose_upload_failed_in_a_way_that_says_nothing_may_have_arrived(bench: Bench, text: str) -> None:
    (bench.folder / "a").touch()
    (bench.folder / "b").touch()
    result = bench.run({"a": 10, "b": 10}, [line(text, "a", "error"), LAST_WORD], 1)
    assert result.doubtful == {"a"}
    assert result.landing_seconds == LANDING_SECONDS


@pytest.mark.parametrize("moving", [True, False])
@pytest.mark.parametrize("output", [[], [b"SIGSEGV: segmentation violation"], [b"fatal error: out of memory"]])
@pytest.mark.parametrize("code", [1, 2])
def test_after_an_end_without_a_last_word_every_file_may_have_arrived(
    bench: Bench, output: list[bytes], code: int, moving: bool
) -> None:
    (bench.folder / "a").touch()
    (bench.folder / "b").touch()
    result = bench.run({"a": 10, "b": 10}, [stats_line(a=(3, 10)), *output], code, moving=moving)
    assert result.doubtful == {"a", "b"}
    assert bench.listener.wasted == []


def test_older_versions_that_rclone_moves_away_and_counts_are_not_sent_again(bench: Bench) -> None:
    output = [
        line("Moved (server-side) to: x", "a", objectType="*drive.Object"),
        line("Copied (new)", "a"),
        line("Deleted", "a"),
        line("text", stats={"bytes": 25}),
    ]
    bench.run({"a": 10}, output)
    assert bench.listener.wasted == []
    bench.run({"a": 10}, [line("Copied (new)", "a", size=10), *output])
    assert bench.listener.wasted == [15]


@pytest.mark.parametrize(
    "text",
    [
        "Failed to copy: failed to open source object: open /x: permission denied",
        "Failed to copy: read /x: input/output error",
    ],
)
def test_file_that_could_not_be_read_has_not_arrived(bench: Bench, text: str) -> None:
    (bench.folder / "a").touch()
    result = bench.run({"a": 10}, [stats_line(a=(3, 10)), line(text, "a", "error")], 1)
    assert result.doubtful == frozenset()


def test_file_that_is_under_way_again_after_it_could_not_be_read_may_have_arrived(bench: Bench) -> None:
    (bench.folder / "a").touch()
    unread = line("Failed to copy: failed to open source object: open /x: permission denied", "a", "error")
    assert bench.run({"a": 10}, [unread, stats_line(a=(3, 10))], 1).doubtful == {"a"}


@pytest.mark.parametrize("code", [-9, -15, 137, 143])
def test_after_a_kill_every_file_of_which_nothing_was_heard_may_have_arrived(bench: Bench, code: int) -> None:
    output = [
        stats_line(a=(3, 10)),
        line("Copied (new)", "b"),
        line("Deleted", "b"),
        line("Failed to copy: failed to open source object: open /d: permission denied", "d", "error"),
    ]
    for name in "acd":
        (bench.folder / name).touch()
    result = bench.run(dict.fromkeys("abcd", 10), output, code)
    assert result.doubtful == {"a", "c"}
    assert result.landing_seconds == LANDING_SECONDS


def test_doubt_names_files_as_they_were_planned(bench: Bench) -> None:
    name = os.fsdecode(b"a\xffb")
    assert bench.run({name: 5}, [], -9).doubtful == {name}


def test_upload_that_arrived_after_the_last_statistics_is_not_in_doubt(bench: Bench) -> None:
    result = bench.run({"a": 10}, [stats_line(a=(3, 10)), line("Copied (new)", "a"), line("Deleted", "a")], -9)
    assert result.doubtful == frozenset()


def test_upload_that_arrived_without_its_source_being_removed_is_charged_once(bench: Bench) -> None:
    (bench.folder / "a").touch()
    result = bench.run({"a": 10}, [stats_line(a=(3, 10)), line("Copied (new)", "a")], -9)
    assert bench.listener.names("uploaded") == ["a"]
    assert result.doubtful == frozenset()


def test_file_that_left_the_source_without_a_word_may_have_arrived(bench: Bench) -> None:
    """A wrapper that swallows the log: what rclone moved is gone, and nothing says so."""
    (bench.folder / "b").touch()
    result = bench.run({"a": 10, "b": 10}, [])
    assert result.doubtful == {"a"}
    assert (result.verdict.outcome, result.landing_seconds) == (StageOutcome.DONE, 0.0)
    assert {file.name for file in result.untouched} == {"a", "b"}


def test_copied_file_of_which_rclone_says_nothing_may_have_arrived(bench: Bench) -> None:
    output = [line("Copied (new)", "a")]
    result = bench.run({"a": 10, "b": 10}, output, moving=False)
    assert result.doubtful == {"b"}
    assert result.landing_seconds == 0.0


def test_what_had_been_sent_may_take_longer_to_appear_on_a_slow_line(bench: Bench) -> None:
    items = [{"name": "a", "bytes": 900 << 20, "size": 1 << 30}]
    slow = line("text", stats={"bytes": 1, "speed": 100_000, "transferring": items})
    assert bench.run({"a": 1 << 30}, [slow], -9).landing_seconds == pytest.approx((16 << 20) / 100_000)


# Whose fault


DENIAL = "googleapi: Error 403: User rate limit exceeded., userRateLimitExceeded"


def test_file_that_is_refused_all_alone_is_to_blame(bench: Bench) -> None:
    result = bench.run({"a": 10}, [line(f"Failed to copy: {DENIAL}", "a", "error")], 7)
    assert (result.verdict.outcome, list(result.failed)) == (StageOutcome.DENIED, ["a"])


def test_files_that_are_refused_once_more_are_to_blame(bench: Bench) -> None:
    output = [line(f"Failed to copy: {DENIAL}", name, "error") for name in ("a", "b")]
    assert bench.run({"a": 10, "b": 10}, output, 7).failed == {}
    result = bench.run({"a": 10, "b": 10}, output, 7, retry=True)
    assert (result.verdict.outcome, list(result.failed)) == (StageOutcome.DENIED, ["a", "b"])


def test_denial_tells_of_the_file_that_was_refused_but_not_of_those_that_were_cancelled(bench: Bench) -> None:
    output = [
        line(f"Failed to copy: {DENIAL}", "a", "error"),
        line('Failed to copy: Post "https://x": context canceled', "b", "error"),
    ]
    result = bench.run({"a": 10, "b": 10}, output, 7)
    assert bench.listener.names("failed") == ["a"]
    assert result.failed == {}


# Stopping


def test_request_to_stop_ends_rclone_and_all_that_it_still_says_is_read(bench: Bench) -> None:
    stopping = [False]
    process = FakeProcess([[line("Copied (new)", "a")], [line("Deleted", "a")], []], -15)

    def at(left: int) -> None:
        stopping[0] = left <= 2

    process.before_batch = at
    result = bench.run({"a": 5, "b": 5}, [], process=process, should_stop=lambda: stopping[0])
    assert result.verdict.outcome is StageOutcome.INTERRUPTED
    assert result.files == 1
    assert set(process.calls) == {"terminate"}


def test_second_request_kills(bench: Bench) -> None:
    process = FakeProcess([[]], -9)
    bench.run({"a": 5}, [], process=process, should_stop=lambda: True, should_kill=lambda: True)
    assert process.calls == ["kill", "terminate"]


def test_trigger_ends_the_run_and_is_told_apart_from_a_request_to_stop(bench: Bench) -> None:
    sleeps = {"rate limit": Sleep(2, 60, 3600)}
    output = [
        [line("Rate Limit one", "a", "error")],
        [line("rate limit two", level="error")],
        [line("Copied (new)", "b")],
    ]
    result = bench.run({"a": 5, "b": 5}, output, -15, sleeps=sleeps)
    assert result.verdict.outcome is StageOutcome.TRIGGERED
    assert "rate limit" in result.verdict.reason
    assert result.fired == ("rate limit", sleeps["rate limit"])
    assert bench.process.calls == ["terminate", "terminate"]
    assert bench.listener.names("uploaded") == ["b"]


def test_trigger_that_is_not_reached_stops_nothing(bench: Bench) -> None:
    result = bench.run({"a": 5}, [line("x", "a", "error")], 1, sleeps={"x": Sleep(2, 60, 1)})
    assert (result.fired, bench.process.calls) == (None, [])


def test_trigger_sees_the_name_of_the_file(bench: Bench) -> None:
    result = bench.run({"a": 5}, [line("failed", "secret/a", "error")], 1, sleeps={"secret/a: failed": Sleep(1, 60, 1)})
    assert result.fired is not None


def test_trigger_sees_plain_text(bench: Bench) -> None:
    result = bench.run({"a": 5}, [b"2026/01/01 00:00:00 Failed: limit"], 1, sleeps={"LIMIT": Sleep(1, 60, 1)})
    assert result.fired is not None


# The process


def test_process_gets_command_environment_and_locks(bench: Bench) -> None:
    bench.run({"a": 5}, [])
    assert bench.process.started == (["rclone", "move"], {"A": "b"}, (7,))


def test_list_of_a_stage_has_a_safe_name_of_its_own() -> None:
    path = stage_list_path(Path("/state"), "../my remote")
    assert path.parent == Path("/state/stages")
    assert path.name.startswith("___my_remote-")
    names = ["tv 4k", "tv_4k", "tv/4k", "", "_", "x" * 300, "x" * 301, "\udcff"]
    paths = [stage_list_path(Path("/state"), name) for name in names]
    assert len(set(paths)) == len(names)
    assert max(len(one.name) for one in paths) < 100


def test_an_older_version_that_is_moved_away_at_the_destination_is_not_our_file(bench: Bench) -> None:
    """Seen with `--backup-dir`: the line names the file, but its source has not gone anywhere."""
    (bench.folder / "a").write_bytes(b"12345")
    output = [line("Moved (server-side)", "a", objectType="*drive.Object"), line("Moved (server-side)", "a")]
    result = bench.run({"a": 5}, output, 1)

    assert bench.listener.told == []
    assert (result.files, [file.name for file in result.untouched]) == (0, ["a"])


def test_a_rename_inside_one_remote_is_our_file_once_it_has_left_the_source(bench: Bench) -> None:
    result = bench.run({"a": 5}, [line("Moved (server-side)", "a", objectType="*local.Object")], 0)

    assert bench.listener.names("transferred") == ["a"]
    assert (result.files, result.bytes) == (1, 5)


def test_a_file_that_grew_is_charged_as_sent_where_rclone_does_not_say_its_size(bench: Bench) -> None:
    (bench.folder / "small").write_bytes(b"1234567")
    output = [stats_line(large=(3, 90)), line("Copied (new)", "large"), line("Copied (new)", "small")]
    bench.run({"large": 50, "small": 5}, output, 0)

    assert bench.listener.told[:2] == [("uploaded", "large", 90), ("uploaded", "small", 7)]


def test_what_rclone_says_of_a_size_counts_more_than_its_statistics(bench: Bench) -> None:
    bench.run({"a": 50}, [stats_line(a=(3, 90)), line("Copied (new)", "a", size=70)], 0)

    assert bench.listener.told[0] == ("uploaded", "a", 70)


def test_trigger_fires_on_the_text_of_statistics(bench: Bench) -> None:
    (bench.folder / "a").touch()
    stuck = line("\nTransferring:\n * a: 19% / 2.861 MiB, 0 B/s, -\n", stats={"bytes": 1})
    sleeps = {" 0/s,": Sleep(2, 60, 3600)}
    assert bench.run({"a": 5}, [stuck], -15, sleeps=sleeps).fired is None
    assert bench.run({"a": 5}, [stuck, stuck], -15, sleeps=sleeps).fired == (" 0/s,", sleeps[" 0/s,"])


# Steered


class Accepting:
    """A remote control that accepts everything."""

    def call(self, _command: str, _parameters: object = None, *, timeout_seconds: float) -> RcAnswer:
        return RcAnswer({"bytesPerSecond": timeout_seconds})


SERVING = line("Serving remote control on http://127.0.0.1:1234/", level="notice")
CUT_OFF = "Not deleting source as copy failed: max transfer limit reached as set by --max-transfer"
#: What rclone says last when it has begun no more files.
CUT_OFF_LAST = [
    line("max transfer limit reached as set by --max-transfer - stopping transfers", level="notice"),
    line("Can't retry any of the errors - not attempting retries", level="error"),
    stats_line(),
    line("Failed to move with 3 errors: last error was: max transfer limit reached as set by --max-transfer"),
]


def finishing() -> Steering:
    """A steering that has asked rclone to begin no more files."""
    steering = Steering(lambda _port: Accepting())
    steering.listens(1)
    steering.finish()
    steering.step()
    steering.end()
    return steering


def test_where_rclone_listens_is_learned_from_its_log(bench: Bench) -> None:
    ports: list[int] = []

    def dial(port: int) -> Accepting:
        ports.append(port)
        return Accepting()

    bench.run({}, [SERVING], steering=Steering(dial))
    assert ports == [1234]
    assert bench.process.own == {"RCLONE_RC": "true"}


def test_asked_to_begin_no_more_nothing_failed_and_nothing_is_in_doubt(bench: Bench) -> None:
    for name in "bcd":
        (bench.folder / name).touch()
    output = [line("Copied (new)", "a"), line("Deleted", "a"), line(CUT_OFF, "b", level="error"), *CUT_OFF_LAST]
    result = bench.run({"a": 1, "b": 1, "c": 1, "d": 1}, output, code=8, steering=finishing())

    assert result.verdict.outcome is StageOutcome.INTERRUPTED
    assert result.verdict.reason == "stopped on request, after the files that were running"
    assert (result.files, result.failed, result.doubtful, result.cannot_listen) == (1, {}, frozenset(), False)
    assert sorted(file.name for file in result.untouched) == ["b", "c", "d"]
    assert (bench.listener.names("failed"), bench.listener.wasted) == ([], [])


def test_a_file_that_was_under_way_and_is_not_begun_again_stays_in_doubt(bench: Bench) -> None:
    for name in "ab":
        (bench.folder / name).touch()
    output = [stats_line(a=(10, 10)), line(CUT_OFF, "a", level="error"), line(CUT_OFF, "b", level="error")]
    result = bench.run({"a": 10, "b": 10}, [*output, *CUT_OFF_LAST], code=8, steering=finishing())
    assert result.doubtful == {"a"}


def test_what_fails_meanwhile_is_told(bench: Bench) -> None:
    for name in "ab":
        (bench.folder / name).touch()
    output = [line("Failed to copy: permission denied", "a", level="error"), line(CUT_OFF, "b", level="error")]
    result = bench.run({"a": 1, "b": 1}, [*output, *CUT_OFF_LAST], code=1, steering=finishing())
    assert result.verdict.outcome is StageOutcome.INTERRUPTED
    assert bench.listener.names("failed") == ["a"]


def test_a_limit_of_the_users_own_is_still_one(bench: Bench) -> None:
    result = bench.run({"a": 1}, [line(CUT_OFF, "a", level="error"), *CUT_OFF_LAST], code=8, steering=Steering(None))
    assert result.verdict.outcome is StageOutcome.LIMIT_REACHED


NO_PORT = b"2026/11/27 01:11:29 Failed to start remote control: listen tcp 127.0.0.1:1: bind: address already in use"


@pytest.mark.parametrize(
    ("output", "code", "cannot"),
    [([NO_PORT], 1, True), ([SERVING, NO_PORT], 1, False), ([NO_PORT], 0, False), ([LAST_WORD], 1, False)],
)
def test_a_remote_control_that_cannot_start_is_told_apart(
    bench: Bench, output: list[bytes], code: int, cannot: bool
) -> None:
    result = bench.run({}, output, code=code, steering=Steering(lambda _port: Accepting()))
    assert result.cannot_listen is cannot


def test_what_rclone_says_is_cleaned_before_anybody_hears_of_it(bench: Bench) -> None:
    said = f'open {bench.folder}/Show/a.mkv: token=ya29.abc for ann@x.org, see /home/ann/key, "Bearer abcdef123"'
    output = [line(said, "Show/a.mkv", "error"), line("Failed to move: --rc-pass hunter2 at 10.0.0.7:99", "", "error")]

    result = bench.run({"Show/a.mkv": 5}, output, 1)

    assert result.failed["Show/a.mkv"].startswith("open Show/a.mkv: token=(hidden) for (e-mail), see key")
    told = str(result.failed) + result.verdict.reason
    assert not [secret for secret in ("ya29", "abcdef123", "hunter2", "10.0.0.7", "/home", "@x.org") if secret in told]
