"""Runs rclone and reads what it prints: a short command to its end, or line by line.

No process of ours outlives us: see `cloudplow.rclone.groups`. Processes may inherit locks (`pass_fds`), which are then
held until the last process that uses what they guard has ended.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from io import BytesIO
from types import TracebackType
from typing import IO, Final, NamedTuple

from cloudplow.errors import RcloneError
from cloudplow.rclone.environment import rclone_environment
from cloudplow.rclone.groups import Group, starting
from cloudplow.rclone.patience import Patience

#: How long a process has to end after SIGTERM before it is killed, in seconds. rclone needs 0.01 s.
TERMINATE_SECONDS: Final = 10.0
#: Longer lines are split into pieces of this size, in bytes.
LINE_LIMIT_BYTES: Final = 8 << 20
#: The shortest time between two reads, in seconds: hundreds of lines then cost one wake-up, not hundreds, while rclone
#: needs the cores. The pipe buffers what arrives in between.
READ_INTERVAL_SECONDS: Final = 0.02
_PIPE_BYTES: Final = 1 << 20
#: What a pipe takes before anybody reads it; larger pieces of a listing would cost more memory than they save time.
_CHUNK_BYTES: Final = 64 << 10
#: What is kept in memory of output that is spooled.
SPOOL_BYTES: Final = 256 << 10
#: How often to check on a process that is being waited for, in seconds.
_LOOK_SECONDS: Final = 0.25


class Completed(NamedTuple):
    """A short command that has ended. code: exit status, negative for a signal.

    spooled: what it printed, at its start, instead of stdout, if that was asked for.
    """

    code: int
    stdout: bytes
    stderr: bytes
    spooled: IO[bytes] | None = None

    def lines(self) -> IO[bytes]:
        """What it printed, line by line, wherever that is kept."""
        return BytesIO(self.stdout) if self.spooled is None else self.spooled

    def last_error_line(self) -> str:
        """The last line of its error output, for messages; "" when there is none."""
        lines = self.stderr.decode("utf-8", "replace").strip().splitlines()
        return lines[-1].strip() if lines else ""


def run(
    arguments: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    timeout_seconds: float | None = None,
    silence_seconds: float | None = None,
    input_bytes: bytes = b"",
    spool: bool = False,
) -> Completed:
    """Run a short command to its end and return what it printed. input_bytes: at most what a pipe holds, 64 KiB.

    spool: keep long output in a file without a name instead of memory, which a service would never quite get back.

    timeout_seconds: how long it may take; silence_seconds: how long it may print nothing. None: for ever.
    Raises RcloneError if it cannot be started, or has to be ended for taking too long.
    """
    with starting:
        popen = _start(arguments, environment, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        group = Group(popen)
    patience = Patience(" ".join(arguments[:2]), timeout_seconds, silence_seconds)
    assert popen.stdin is not None and popen.stdout is not None and popen.stderr is not None
    try:
        with contextlib.suppress(BrokenPipeError):
            popen.stdin.write(input_bytes[:_CHUNK_BYTES])
            popen.stdin.close()
        kept: IO[bytes] = tempfile.SpooledTemporaryFile(SPOOL_BYTES) if spool else BytesIO()  # noqa: SIM115
        errors = BytesIO()
        _read_all({popen.stdout.fileno(): kept, popen.stderr.fileno(): errors}, group, patience)
        while not group.leader_has_ended():
            patience.check()
            time.sleep(0.002)  # as in `LineProcess.wait`
        code = group.end()
        if isinstance(kept, BytesIO):
            return Completed(code, kept.getvalue(), errors.getvalue())
        kept.seek(0)
        return Completed(code, b"", errors.getvalue(), kept)
    finally:
        group.end()
        for pipe in (popen.stdin, popen.stdout, popen.stderr):
            with contextlib.suppress(OSError):
                pipe.close()


def _read_all(outputs: Mapping[int, IO[bytes]], group: Group, patience: Patience) -> None:
    """Write down all that comes through pipes. Whoever holds them longer than the process itself is ended.

    Not `communicate`: with a timeout, a large listing takes a third longer in it.
    """
    waiting, poll, killed = set(outputs), select.poll(), False
    for fd in outputs:
        _enlarge(fd)
        poll.register(fd, select.POLLIN)
    while waiting:
        ready = poll.poll(_LOOK_SECONDS * 1000)
        for fd, _ in ready:
            chunk = os.read(fd, _CHUNK_BYTES)
            if chunk:
                outputs[fd].write(chunk)
                patience.heard(chunk)
            else:
                poll.unregister(fd)
                waiting.discard(fd)
        if group.leader_has_ended():
            if not ready and group.lingers():
                group.signal(signal.SIGKILL)
                if killed:
                    break  # a daemon of a wrapper holds the pipe, and nothing comes through it
                killed = True
        else:
            patience.check()


def _enlarge(fd: int) -> None:
    """Let a pipe hold more. Beyond a user's limit for pipes, the usual 64 KiB are enough too."""
    with contextlib.suppress(OSError):
        fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)


def _start(
    arguments: Sequence[str],
    environment: Mapping[str, str] | None,
    *,
    stdin: int = subprocess.DEVNULL,
    stderr: int = subprocess.STDOUT,
    pass_fds: Sequence[int] = (),
    own: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start a process in its own process group: Ctrl-C on the terminal reaches only us, and we decide how to end it.

    Not in a session of its own: where Linux schedules by session (autogroup), a listing then takes a tenth longer.
    Raises RcloneError when it cannot be started.
    """
    try:
        return subprocess.Popen(
            arguments,
            env=rclone_environment(os.environ if environment is None else environment) | dict(own or {}),
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=stderr,
            process_group=0,
            pass_fds=tuple(pass_fds),
        )
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise RcloneError(f"{arguments[0]} cannot be started: {reason}") from error


class LineProcess:
    """A running process whose output one thread reads line by line. Leaving the context ends its process group."""

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        pass_fds: Sequence[int] = (),
        own: Mapping[str, str] | None = None,
    ) -> None:
        """Start it. own: variables that it gets besides, even those that the user may not set.

        Raises RcloneError when it cannot be started.
        """
        with starting:
            self._popen = _start(arguments, environment, pass_fds=pass_fds, own=own)
            self._group = Group(self._popen)
        assert self._popen.stdout is not None
        self._fd = self._popen.stdout.fileno()
        # poll, not select: with a thousand viewers connected the descriptor may be beyond select's 1,024.
        self._poll = select.poll()
        self._poll.register(self._fd, select.POLLIN)
        # Nothing but the end, which is always told.
        self._end_of_output = select.poll()
        self._end_of_output.register(self._fd, 0)
        _enlarge(self._fd)
        self._next_read = 0.0
        self._rest = b""
        self._kill_at: float | None = None
        self.pid = self._popen.pid

    def __enter__(self) -> LineProcess:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self._group.end()
        self._close()

    def read_lines(self, timeout_seconds: float) -> list[bytes] | None:
        """The complete lines that arrive within the timeout, without newlines; None once all output has been read."""
        self._escalate()
        if not self._poll.poll(timeout_seconds * 1000):
            return self._finish() if self._group.lingers() else []
        early = self._next_read - time.monotonic()
        if early > 0:
            self._end_of_output.poll(early * 1000)
        self._next_read = time.monotonic() + READ_INTERVAL_SECONDS
        chunk = os.read(self._fd, _PIPE_BYTES)
        if not chunk:
            return self._finish()
        lines = (self._rest + chunk).split(b"\n")
        self._rest = lines.pop()
        if len(self._rest) > LINE_LIMIT_BYTES:
            lines.append(self._rest)
            self._rest = b""
        return [line.rstrip(b"\r") for line in lines]

    def _finish(self) -> list[bytes] | None:
        rest, self._rest = self._rest, b""
        return [rest] if rest else None

    def terminate(self) -> None:
        """Ask it to end; kill it if it has not ended after `TERMINATE_SECONDS`. Returns immediately.

        SIGTERM rather than SIGINT: if we were started with SIGINT ignored, rclone inherits that.
        """
        if self._kill_at is None:
            self._kill_at = time.monotonic() + TERMINATE_SECONDS
            self._group.signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it immediately."""
        self._group.signal(signal.SIGKILL)

    def _escalate(self) -> None:
        if self._kill_at is not None and time.monotonic() > self._kill_at:
            self.kill()

    def wait(self) -> int:
        """Close the pipe and return the exit status, negative for a signal. Call it once all output has been read."""
        self._close()
        while not self._group.leader_has_ended():
            self._escalate()
            # Its output has ended, so it has nearly ended, too: longer looks would be added to every upload.
            time.sleep(0.002)
        return self._group.end()

    def _close(self) -> None:
        if self._popen.stdout is not None:
            self._popen.stdout.close()
