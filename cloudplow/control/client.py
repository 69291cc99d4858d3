"""`ask`: what a command asks of the running cloudplow, and its answer."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from cloudplow.control import places
from cloudplow.errors import CloudplowError, NotRunningError

#: No answer is longer, in bytes.
_MAX_ANSWER_BYTES: Final = 16 << 20
#: How often to try again while so many others wait that there is no place, in seconds.
_RETRY_SECONDS: Final = 0.02


def ask(state_dir: Path, request: Mapping[str, Any], timeout_seconds: float = 5.0) -> dict[str, Any]:
    """The answer of the cloudplow that runs with this state folder, without its "ok".

    Raises NotRunningError when none runs, CloudplowError when it refuses (with its sentence), may not be asked by
    this user, or does not answer in time.
    """
    line = json.dumps(request).encode() + b"\n"
    with talking(state_dir, timeout_seconds) as (connection, deadline):
        return _exchange(connection, line, deadline, state_dir)


@contextmanager
def talking(state_dir: Path, timeout_seconds: float) -> Iterator[tuple[socket.socket, float]]:
    """A connection to the cloudplow that runs with this state folder, and the deadline on the monotonic clock.

    Raises NotRunningError, CloudplowError; OSErrors inside become CloudplowErrors.
    """
    deadline = time.monotonic() + timeout_seconds
    for path in _places(state_dir):
        with _told_as_sentences(path, state_dir, timeout_seconds):
            try:
                connection = _connected(path, deadline)
            except (FileNotFoundError, ConnectionRefusedError):
                continue
            with connection:
                yield connection, deadline
            return
    raise NotRunningError(f"no cloudplow is running with the state folder {state_dir}")


@contextmanager
def _told_as_sentences(path: Path, state_dir: Path, timeout_seconds: float) -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise CloudplowError(
            f"the cloudplow that runs with the state folder {state_dir} has not answered within "
            f"{timeout_seconds:g} seconds; ask again, or look whether it is stopped or its disk hangs"
        ) from error
    except PermissionError as error:
        raise CloudplowError(f"{path} may not be opened: ask as the user who runs cloudplow, or as root") from error
    except OSError as error:
        raise CloudplowError(f"{path} cannot be asked: {error.strerror or error}") from error


def read_answer(line: bytes) -> dict[str, Any]:
    """What an answer holds besides its "ok". Raises CloudplowError: the sentence of a refusal, or that it is none."""
    try:
        answer = json.loads(line)
    except (ValueError, RecursionError):
        answer = None
    if isinstance(answer, dict):
        done, sentence = answer.pop("ok", None), answer.get("error")
        if done is True:
            return answer
        if done is False and isinstance(sentence, str):
            raise CloudplowError(sentence)
    raise CloudplowError(f"what listens on the control socket does not answer as cloudplow does: {line[:60]!r}")


def _places(state_dir: Path) -> Iterator[Path]:
    """Where it may listen. Raises CloudplowError for a place where anybody could."""
    inside = state_dir.absolute() / places.SOCKET_FILE
    if len(os.fsencode(inside)) <= places.MAX_PATH_BYTES:
        yield inside
    elsewhere = places.written_place(state_dir)
    written = state_dir / places.PLACE_FILE
    if elsewhere is None and written.exists() and not os.access(written, os.R_OK):
        raise CloudplowError(f"{written} may not be read: ask as the user who runs cloudplow, or as root")
    if elsewhere is None:
        return
    try:
        trusted = places.may_be_trusted(elsewhere, state_dir)
    except OSError as error:
        raise CloudplowError(f"{elsewhere} cannot be asked: {error.strerror}; ask as who runs cloudplow") from error
    if trusted:
        yield elsewhere
    elif elsewhere.parent.exists():
        raise CloudplowError(f"{elsewhere} is not in a private folder of yours: ask as the user who runs cloudplow")


def _connected(path: Path, deadline: float) -> socket.socket:
    """Raises OSError."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        while True:
            connection.settimeout(_left(deadline))
            try:
                connection.connect(str(path))
                return connection
            except BlockingIOError:
                time.sleep(min(_RETRY_SECONDS, _left(deadline)))
    except BaseException:
        connection.close()
        raise


def _exchange(connection: socket.socket, line: bytes, deadline: float, state_dir: Path) -> dict[str, Any]:
    """Raises OSError, CloudplowError."""
    answer = bytearray()
    try:
        connection.settimeout(_left(deadline))
        connection.sendall(line)
        while not answer.endswith(b"\n"):
            connection.settimeout(_left(deadline))
            data = connection.recv(1 << 16)
            answer += data
            if not data or len(answer) > _MAX_ANSWER_BYTES:
                break
    except (BrokenPipeError, ConnectionResetError):
        answer.clear()
    if not answer:
        raise NotRunningError(f"the cloudplow with the state folder {state_dir} ended before it answered")
    return read_answer(bytes(answer))


def _left(deadline: float) -> float:
    """Seconds until the deadline. Raises TimeoutError."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
