"""How processes of ours end: whole groups, in bounded time, whatever a script in place of rclone does."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cloudplow.errors import RcloneError
from cloudplow.rclone import groups, process
from cloudplow.rclone.process import run
from cloudplow.rclone.running import run_to_end


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "LINGER_SECONDS", 0.2)
    monkeypatch.setattr(process, "TERMINATE_SECONDS", 0.3)


def script(text: str) -> list[str]:
    return ["/bin/sh", "-c", text]


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    # A zombie that its new parent has not reaped yet runs no more.
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z"


def assert_gone_soon(pid: int) -> None:
    deadline = time.monotonic() + 5
    while not is_gone(pid):
        assert time.monotonic() < deadline, f"process {pid} still runs"
        time.sleep(0.01)


def lines_of(command: list[str], should_stop: Callable[[], bool] = lambda: False) -> tuple[int, list[bytes]]:
    lines: list[bytes] = []
    code = run_to_end(command, lines.append, environment=os.environ, should_stop=should_stop)
    return code, lines


def test_a_child_that_is_left_behind_with_our_pipe_is_ended_with_the_run() -> None:
    code, lines = lines_of(script("sleep 600 & echo $!; exit 3"))

    assert code == 3
    assert_gone_soon(int(lines[0]))


def test_a_child_that_is_left_behind_without_our_pipe_is_ended_with_the_run() -> None:
    code, lines = lines_of(script("sleep 600 >/dev/null 2>&1 & echo $!; exit 0"))

    assert code == 0
    assert_gone_soon(int(lines[0]))


def test_stopping_reaches_the_program_below_a_script() -> None:
    lines: list[bytes] = []
    command = script("sh -c 'trap \"echo stopped; exit 5\" TERM; echo $$; while :; do sleep 0.05; done'; exit $?")
    run_to_end(command, lines.append, environment=os.environ, should_stop=lambda: bool(lines))

    assert b"stopped" in lines
    assert_gone_soon(int(lines[0]))


def test_a_program_that_ignores_the_request_to_stop_is_killed() -> None:
    lines: list[bytes] = []
    command = script("trap '' TERM; echo $$; while :; do sleep 0.05; done")
    code = run_to_end(command, lines.append, environment=os.environ, should_stop=lambda: bool(lines))

    assert code == -9
    assert_gone_soon(int(lines[0]))


def test_a_fault_in_whoever_reads_the_lines_leaves_nothing_running() -> None:
    seen: list[int] = []

    def take(line: bytes) -> None:
        seen.append(int(line))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_to_end(script("echo $$; sleep 600"), take, environment=os.environ, should_stop=lambda: False)
    assert_gone_soon(seen[0])


def test_a_short_command_gives_its_output_and_its_error_output() -> None:
    done = run(script("cat; echo oh >&2; exit 4"), input_bytes=b"x" * 60_000)

    assert (done.code, len(done.stdout), done.stderr) == (4, 60_000, b"oh\n")


def test_a_short_command_that_leaves_a_child_with_its_pipe_ends_all_the_same() -> None:
    done = run(script("sleep 600 & echo $!"))

    assert_gone_soon(int(done.stdout))


def test_a_short_command_that_hangs_is_ended_with_all_its_children(tmp_path: Path) -> None:
    noted = tmp_path / "pid"
    with pytest.raises(RcloneError, match="did not end within 1 s"):
        run(script(f"sleep 600 & echo $! >{noted}; wait"), timeout_seconds=0.6)

    assert_gone_soon(int(noted.read_text(encoding="utf-8")))


def test_a_program_that_cannot_be_started_is_one_sentence() -> None:
    with pytest.raises(RcloneError, match=r"^/nowhere/rclone cannot be started: No such file or directory$"):
        run(["/nowhere/rclone", "version"])


def test_a_large_output_beside_a_large_error_output_is_read_whole() -> None:
    done = run(script("head -c 9000000 /dev/zero & head -c 3000000 /dev/zero >&2; wait"))

    assert (done.code, len(done.stdout), len(done.stderr)) == (0, 9_000_000, 3_000_000)


def test_a_short_command_that_babbles_without_an_end_is_ended() -> None:
    with pytest.raises(RcloneError, match=r"did not end within 1 s|prints without an end"):
        run(script("yes"), timeout_seconds=0.6)


def test_a_short_command_that_closes_its_output_and_stays_is_ended() -> None:
    with pytest.raises(RcloneError, match="did not end within 1 s"):
        run(script("exec >/dev/null 2>&1; sleep 600"), timeout_seconds=0.6)


def test_spooled_output_is_the_same_and_is_not_kept_in_memory() -> None:
    words = [sys.executable, "-c", "import sys; sys.stdout.write('line\\n' * 200_000); sys.stderr.write('said')"]
    spooled = run(words, spool=True)
    assert spooled.spooled is not None
    with spooled.spooled as lines:
        assert lines.fileno() > 2, "a file"
        assert list(lines) == [b"line\n"] * 200_000
    assert (spooled.code, spooled.stdout, spooled.stderr) == (0, b"", b"said")
