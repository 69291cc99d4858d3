"""The control socket with real sockets: where it is, who may use it, and what no caller can do to it."""

from __future__ import annotations

import errno
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psutil
import pytest

from cloudplow.control import caller, listener, places
from cloudplow.control.client import ask
from cloudplow.control.loop import MAX_CONNECTIONS
from cloudplow.control.server import ControlSocket
from cloudplow.errors import BusyError, CloudplowError, NotRunningError, StateError
from tests.integration.local_site import REPOSITORY, wait_for

#: A program that listens until it is killed.
OWNER: Final = """
import sys, threading
from pathlib import Path
from cloudplow.control.server import ControlSocket
with ControlSocket(Path(sys.argv[1]), {"who": lambda request: {"who": "another process"}}):
    print("listening", flush=True)
    threading.Event().wait()
"""
#: What another user finds out: the rights of the socket, and what he gets when he asks.
STRANGER: Final = """
import os, sys
os.setgroups([]); os.setgid(12345); os.setuid(12345)
from pathlib import Path
from cloudplow.control.client import ask
from cloudplow.errors import CloudplowError
try:
    print(ask(Path(sys.argv[1]), {"do": "who"}))
except CloudplowError as error:
    print(type(error).__name__, error)
"""


@pytest.fixture
def folder(runtime_dir: Path) -> Iterator[Path]:
    """A state folder whose path is short enough for a socket."""
    with tempfile.TemporaryDirectory(dir=runtime_dir.parent, prefix="s-") as name:
        yield Path(name)


@pytest.fixture(autouse=True)
def runtime_dir(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """For sockets, and for each test its own: other tests kill uploads, whose sockets stay."""
    with tempfile.TemporaryDirectory(prefix="run-") as name:
        monkeypatch.setenv("XDG_RUNTIME_DIR", name)
        yield Path(name)


@pytest.fixture
def long_folder(folder: Path) -> Path:
    """A state folder whose path is too long for a socket."""
    long = folder / ("x" * 120)
    long.mkdir()
    return long


def who(_request: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"who": "this process"}


def listening(state_dir: Path, **more: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> ControlSocket:
    return ControlSocket(state_dir, {"who": who, **more})


def ask_who(state_dir: Path) -> str:
    return str(ask(state_dir, {"do": "who"}, 30)["who"])


@contextmanager
def another_owner(state_dir: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that listens; killed at the end."""
    command = [sys.executable, "-c", OWNER, str(state_dir)]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "listening\n"
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def connected(control: ControlSocket) -> Iterator[socket.socket]:
    assert control.path is not None
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(30)
        connection.connect(str(control.path))
        yield connection


def read_to_end(connection: socket.socket) -> list[dict[str, Any]]:
    """All answers until the other side closes."""
    data = bytearray()
    while chunk := connection.recv(1 << 16):
        data += chunk
    return [json.loads(line) for line in data.splitlines()]


def rights(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


# Start and stop


def test_it_listens_in_the_state_folder_and_leaves_nothing(folder: Path) -> None:
    with listening(folder) as control:
        assert control.path == folder / "control.sock"
        assert [one.name for one in folder.iterdir()] == ["control.sock"]
        assert ask_who(folder) == "this process"
        assert "cloudplow-control" in [thread.name for thread in threading.enumerate()]

    assert list(folder.iterdir()) == []
    assert "cloudplow-control" not in [thread.name for thread in threading.enumerate()]
    control.stop()


def test_it_can_be_started_again(folder: Path) -> None:
    control = listening(folder)
    for _ in range(3):
        with control:
            assert ask_who(folder) == "this process"


def test_when_nobody_listens_the_caller_learns_which_folder_was_meant(folder: Path) -> None:
    with pytest.raises(NotRunningError, match=f"no cloudplow is running with the state folder {folder}$"):
        ask_who(folder)
    with pytest.raises(NotRunningError):
        ask_who(folder / "missing")


def test_start_and_stop_leave_no_descriptor_open(folder: Path) -> None:
    def descriptors() -> int:
        return sum(1 for _ in Path("/proc/self/fd").iterdir())

    with listening(folder) as control, connected(control):
        ask_who(folder)
    before = descriptors()
    for _ in range(20):
        with listening(folder) as control, connected(control):
            ask_who(folder)
    assert descriptors() == before


def test_what_is_asked_while_it_stops_is_answered_or_refused_but_never_left_waiting(folder: Path) -> None:
    control = listening(folder)
    answers: list[str] = []

    def ask_until_it_ends() -> None:
        while True:
            try:
                answers.append(ask_who(folder))
            except NotRunningError:
                return

    with control:
        threads = [threading.Thread(target=ask_until_it_ends) for _ in range(8)]
        for thread in threads:
            thread.start()
        wait_for(lambda: len(answers) > 100, "answers")
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()


def test_a_request_that_is_being_done_is_answered_before_the_end(folder: Path) -> None:
    begun, may_end = threading.Event(), threading.Event()

    def slow(_request: Mapping[str, Any]) -> Mapping[str, Any]:
        begun.set()
        may_end.wait(30)
        return {"done": True}

    with ThreadPoolExecutor(2) as pool, listening(folder, slow=slow) as control:
        asked = pool.submit(ask, folder, {"do": "slow"}, 30)
        assert begun.wait(30)
        stopped = pool.submit(control.stop)
        wait_for(lambda: not (folder / "control.sock").exists(), "the socket to be taken away")
        may_end.set()
        stopped.result(30)
        assert asked.result(30) == {"done": True}


# Rights


def test_only_the_owner_may_open_it_whatever_the_umask_says(folder: Path) -> None:
    old = os.umask(0)
    try:
        with listening(folder) as control:
            assert control.path is not None
            assert rights(control.path) == 0o600
    finally:
        os.umask(old)


def test_nobody_can_be_heard_before_the_rights_are_right(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fchmod", lambda *_: None)  # as where the rights of the socket are not those of the file
    refused = []
    real = Path.chmod

    def chmod(path: Path, mode: int) -> None:
        with pytest.raises(ConnectionRefusedError), socket.socket(socket.AF_UNIX) as early:
            early.connect(str(path))
        refused.append(oct(rights(path)))
        real(path, mode)

    monkeypatch.setattr(Path, "chmod", chmod)
    with listening(folder) as control:
        assert control.path is not None
        assert rights(control.path) == 0o600
        assert ask_who(folder) == "this process"
    assert len(refused) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize("elsewhere", [False, True])
def test_another_user_is_refused_with_a_sentence(folder: Path, long_folder: Path, elsewhere: bool) -> None:
    state_dir = long_folder if elsewhere else folder
    for one in (folder, long_folder):
        one.chmod(0o777)
    with listening(state_dir):
        # The sources may lie where the other user cannot read them, but he must get as far as the socket.
        done = subprocess.run(
            [sys.executable, "-c", f"import cloudplow.control.client\n{STRANGER}", str(state_dir)],
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    assert done.stdout.startswith("CloudplowError"), done.stderr
    assert "ask as" in done.stdout


# Places


@pytest.mark.parametrize(("length", "inside"), [(107, True), (108, False)])
def test_the_longest_path_that_fits_is_used(folder: Path, length: int, inside: bool) -> None:
    name = "x" * (length - len(os.fsencode(folder / "y" / "control.sock")) + 1)
    state_dir = folder / name
    state_dir.mkdir()
    assert len(os.fsencode(state_dir / "control.sock")) == length

    with listening(state_dir) as control:
        assert control.path is not None
        assert (control.path.parent == state_dir) is inside
        assert ask_who(state_dir) == "this process"


def test_a_folder_with_a_long_path_has_its_socket_elsewhere_and_says_where(
    long_folder: Path, runtime_dir: Path
) -> None:
    with listening(long_folder) as control:
        assert control.path is not None
        assert control.path.parent == runtime_dir / "cloudplow"
        assert rights(control.path) == 0o600
        assert rights(control.path.parent) == 0o700
        assert [one.name for one in long_folder.iterdir()] == ["control.sock.path"]
        assert (long_folder / "control.sock.path").read_text() == f"{control.path}\n"
        assert ask_who(long_folder) == "this process"

    assert list(long_folder.iterdir()) == []
    assert not (runtime_dir / "cloudplow").exists()


def test_two_long_folders_do_not_collide(long_folder: Path) -> None:
    other = long_folder.with_name("y" * 120)
    other.mkdir()
    with ControlSocket(other, {"who": lambda _: {"who": "the other"}}):
        with listening(long_folder):
            assert (ask_who(long_folder), ask_who(other)) == ("this process", "the other")
        assert ask_who(other) == "the other"


@pytest.mark.parametrize("number", ["EPERM", "ENOTSUP", "EOPNOTSUPP", "EINVAL", "EROFS"])
def test_a_volume_that_cannot_hold_a_socket_has_it_elsewhere(
    folder: Path, runtime_dir: Path, monkeypatch: pytest.MonkeyPatch, number: str
) -> None:
    _refuse_to_bind(monkeypatch, folder, number)

    with listening(folder) as control:
        assert control.path is not None
        assert control.path.parent == runtime_dir / "cloudplow"
        assert ask_who(folder) == "this process"


def _refuse_to_bind(monkeypatch: pytest.MonkeyPatch, below: Path, number: str) -> None:
    class Socket(socket.socket):
        def bind(self, address: Any) -> None:
            if str(address).startswith(str(below)):
                raise OSError(getattr(errno, number), "this volume holds no sockets")
            super().bind(address)

    monkeypatch.setattr(socket, "socket", Socket)


def test_a_volume_that_keeps_no_rights_has_it_elsewhere(
    folder: Path, runtime_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = listener._rights
    monkeypatch.setattr(listener, "_rights", lambda path: 0o777 if path.parent == folder else real(path))

    with listening(folder) as control:
        assert control.path is not None
        assert control.path.parent == runtime_dir / "cloudplow"
        assert not (folder / "control.sock").exists()


def test_without_a_runtime_folder_it_is_in_a_private_folder_in_the_temporary_one(
    folder: Path, long_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/missing")
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    if Path(f"/run/user/{os.geteuid()}").exists():
        pytest.skip("this user has a runtime folder")

    with listening(long_folder) as control:
        assert control.path is not None
        assert control.path.parent == folder / f"cloudplow-{os.geteuid()}"
        assert rights(control.path.parent) == 0o700
        assert ask_who(long_folder) == "this process"


def test_when_no_place_can_hold_it_one_sentence_says_why_and_what_to_do(
    folder: Path, long_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/missing")
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    (folder / f"cloudplow-{os.geteuid()}").symlink_to("/")
    _refuse_to_bind(monkeypatch, Path("/run/user"), "EPERM")

    with pytest.raises(StateError, match="let XDG_RUNTIME_DIR name a folder of yours") as raised:
        listening(long_folder).start()

    for part in ("longer than 107 bytes", "/missing", "not a folder that only its owner may enter"):
        assert part in str(raised.value)
    assert list(long_folder.iterdir()) == []


def test_a_temporary_folder_that_is_no_better_is_left_as_it_was(
    long_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/missing")
    monkeypatch.setattr(tempfile, "tempdir", str(long_folder))
    _refuse_to_bind(monkeypatch, Path("/run/user"), "EPERM")

    with pytest.raises(StateError):
        listening(long_folder).start()

    assert list(long_folder.iterdir()) == []


def test_of_two_that_start_at_the_same_time_one_gets_the_socket(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with another_owner(folder):
        monkeypatch.setattr(listener, "_make_way", lambda *_: None)  # as if it looked a moment before
        with pytest.raises(BusyError):
            listening(folder).start()
        assert ask_who(folder) == "another process"


def test_a_place_that_cannot_be_written_down_is_not_used(long_folder: Path, runtime_dir: Path) -> None:
    (long_folder / "control.sock.path").mkdir()
    (long_folder / "control.sock.path" / "x").touch()

    with pytest.raises(StateError, match=r"control\.sock\.path cannot be written"):
        listening(long_folder).start()

    assert list((runtime_dir / "cloudplow").glob("*")) == []


def test_a_place_in_a_folder_that_others_may_enter_is_not_asked(long_folder: Path, folder: Path) -> None:
    strange = folder / "strange"
    strange.mkdir()
    strange.chmod(0o755)
    with socket.socket(socket.AF_UNIX) as false:
        path = strange / places.elsewhere_name(long_folder)
        false.bind(str(path))
        false.listen()
        (long_folder / "control.sock.path").write_text(f"{path}\n")

        with pytest.raises(CloudplowError, match="not in a private folder of yours"):
            ask_who(long_folder)
        with listening(long_folder):
            assert ask_who(long_folder) == "this process"
        assert path.exists()


def test_once_the_folder_can_hold_a_socket_nothing_says_that_it_is_elsewhere(folder: Path) -> None:
    (folder / "control.sock.path").write_text(f"/run/{places.elsewhere_name(folder)}\n")

    with listening(folder):
        assert ask_who(folder) == "this process"
        assert [one.name for one in folder.iterdir()] == ["control.sock"]


# What is there already


@pytest.mark.parametrize("kind", ["a folder", "a file", "a link", "a pipe"])
def test_what_is_no_socket_is_left_alone_with_a_sentence(folder: Path, kind: str) -> None:
    path = folder / "control.sock"
    make: dict[str, Callable[[], object]] = {
        "a folder": path.mkdir,
        "a file": lambda: path.write_text("precious"),
        "a link": lambda: path.symlink_to("elsewhere"),
        "a pipe": lambda: os.mkfifo(path),
    }
    make[kind]()
    before = path.lstat()

    with pytest.raises(StateError, match=r"control\.sock is in the way of the control socket.*: move or delete it"):
        listening(folder).start()

    assert path.lstat() == before
    with pytest.raises(NotRunningError):
        ask_who(folder)


@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_live_one_is_never_taken_over(folder: Path, long_folder: Path, elsewhere: bool) -> None:
    state_dir = long_folder if elsewhere else folder
    with another_owner(state_dir):
        with pytest.raises(BusyError, match=f"another cloudplow is running with the state folder {state_dir}"):
            listening(state_dir).start()
        assert ask_who(state_dir) == "another process"


def test_one_whose_owner_is_stopped_is_live(folder: Path) -> None:
    with another_owner(folder) as owner:
        owner.send_signal(signal.SIGSTOP)
        wait_for(lambda: psutil.Process(owner.pid).status() == psutil.STATUS_STOPPED, "the owner to be stopped")
        with pytest.raises(BusyError):
            listening(folder).start()
        with pytest.raises(CloudplowError, match=r"has not answered within 0\.2 seconds") as raised:
            ask(folder, {"do": "who"}, 0.2)
        assert not isinstance(raised.value, NotRunningError)
        owner.send_signal(signal.SIGCONT)
        assert ask_who(folder) == "another process"


def test_one_with_more_callers_waiting_than_it_can_hold_is_live(folder: Path) -> None:
    path = folder / "control.sock"
    waiting = []
    with socket.socket(socket.AF_UNIX) as full:
        full.bind(str(path))
        full.listen(0)
        with pytest.raises(BlockingIOError):
            while True:
                one = socket.socket(socket.AF_UNIX)
                waiting.append(one)
                one.setblocking(False)
                one.connect(str(path))
        with pytest.raises(BusyError):
            listening(folder).start()
        with pytest.raises(CloudplowError, match="has not answered"):
            ask(folder, {"do": "who"}, 0.2)
        for one in waiting:
            one.close()


@pytest.mark.parametrize("elsewhere", [False, True])
def test_after_a_kill_the_next_one_starts_and_is_asked(folder: Path, long_folder: Path, elsewhere: bool) -> None:
    state_dir = long_folder if elsewhere else folder
    for _ in range(3):
        with another_owner(state_dir) as owner:
            assert ask_who(state_dir) == "another process"
            owner.kill()
            owner.wait()
        with pytest.raises(NotRunningError):
            ask_who(state_dir)
    with listening(state_dir):
        assert ask_who(state_dir) == "this process"


def test_the_socket_of_a_successor_is_not_taken_away(folder: Path) -> None:
    first = listening(folder)
    first.start()
    (folder / "control.sock").unlink()
    with another_owner(folder):
        first.stop()
        assert ask_who(folder) == "another process"


# Callers


# Of many threads that start at once, Python 3.11 may lose one to the tracing of coverage; the others do its work.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_three_hundred_quick_callers_all_get_their_answer(folder: Path) -> None:
    with listening(folder, echo=lambda request: {"number": request["number"]}), ThreadPoolExecutor(100) as pool:
        got = pool.map(lambda number: ask(folder, {"do": "echo", "number": number}, 60)["number"], range(300))
        assert list(got) == list(range(300))


def test_rubbish_is_answered_and_the_next_request_on_the_same_connection_too(folder: Path) -> None:
    with listening(folder) as control, connected(control) as connection:
        connection.sendall(b'\xff\x00\x01\n[]\n\n{"do": "dance"}\n{"do": "who"}\n')
        connection.shutdown(socket.SHUT_WR)
        answers = read_to_end(connection)

        assert [one["ok"] for one in answers] == [False, False, False, False, True]
        assert all(one["error"] for one in answers[:4])


def test_a_request_without_a_line_end_is_answered_when_the_caller_has_finished(folder: Path) -> None:
    with listening(folder) as control, connected(control) as connection:
        connection.sendall(b'{"do": "who"}')
        connection.shutdown(socket.SHUT_WR)
        assert read_to_end(connection) == [{"ok": True, "who": "this process"}]


@pytest.mark.parametrize("size", [(64 << 10) + 1, 5 << 20])
def test_a_line_that_is_too_long_is_refused_and_the_caller_can_read_why(folder: Path, size: int) -> None:
    with listening(folder) as control, connected(control) as connection:
        connection.sendall(b"x" * size)
        connection.shutdown(socket.SHUT_WR)
        (answer,) = read_to_end(connection)

        assert answer["error"] == "a request must be one line of at most 65,536 bytes"
        assert ask_who(folder) == "this process"


def test_the_longest_line_is_taken(folder: Path) -> None:
    line = b'{"do": "who"}'.ljust(64 << 10)
    with listening(folder) as control, connected(control) as connection:
        connection.sendall(line + b"\n" + line + b" \n")
        connection.shutdown(socket.SHUT_WR)
        assert [one["ok"] for one in read_to_end(connection)] == [True, False]


def test_callers_that_never_end_their_line_lose_their_place(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caller, "IDLE_SECONDS", 1.0)
    stop = threading.Event()
    with listening(folder) as control, connected(control) as slow, connected(control) as silent:

        def trickle() -> None:
            while not stop.wait(0.05):
                try:
                    slow.send(b"x")
                except OSError:
                    return

        thread = threading.Thread(target=trickle)
        thread.start()
        try:
            assert ask_who(folder) == "this process"
            (answer,) = read_to_end(slow)
            assert answer["error"] == "no whole line arrived within 1 seconds"
            assert read_to_end(silent) == []
        finally:
            stop.set()
            thread.join()


def test_when_all_places_are_taken_the_next_caller_waits_for_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caller, "IDLE_SECONDS", 1.0)
    with listening(folder) as control:
        idle = [connected(control) for _ in range(MAX_CONNECTIONS + 4)]
        for one in idle:
            one.__enter__()
        try:
            assert ask_who(folder) == "this process"
        finally:
            for one in idle:
                one.__exit__(None, None, None)


def test_a_caller_that_does_not_read_holds_up_nobody_and_costs_little(folder: Path) -> None:
    answered = []

    def big(_request: Mapping[str, Any]) -> Mapping[str, Any]:
        answered.append(1)
        return {"text": "x" * 100_000}

    with listening(folder, big=big) as control, connected(control) as deaf:
        deaf.sendall(b'{"do": "big"}\n' * 200)
        assert ask_who(folder) == "this process"
        assert len(answered) < 20
        deaf.shutdown(socket.SHUT_WR)
        assert len(read_to_end(deaf)) == len(answered) == 200


def test_a_caller_that_leaves_early_harms_nobody(folder: Path) -> None:
    with listening(folder, big=lambda _: {"text": "x" * 1_000_000}) as control:
        for _ in range(50):
            with connected(control) as connection:
                connection.sendall(b'{"do": "big"}\n')
        assert ask_who(folder) == "this process"


def test_lack_of_descriptors_ends_neither_the_socket_nor_the_processor(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real, failures = socket.socket.accept, iter(range(1))

    def accept(one: socket.socket) -> Any:
        if next(failures, None) is not None:
            raise OSError(24, "Too many open files")
        return real(one)

    monkeypatch.setattr(socket.socket, "accept", accept)
    began = time.thread_time()
    with listening(folder):
        assert ask_who(folder) == "this process"
    assert time.thread_time() - began < 5
    assert caplog.text.count("cannot accept a connection") == 1


def test_a_process_that_we_start_does_not_keep_the_socket_alive(folder: Path) -> None:
    control = listening(folder)
    control.start()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        control.stop()
        with listening(folder):
            assert ask_who(folder) == "this process"
        child.communicate(b"\n", timeout=60)
