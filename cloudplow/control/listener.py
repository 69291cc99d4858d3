"""Makes the socket at its place and takes it away again; a live one is never taken over.

Only the holder of the state lock calls `listen`, so nobody else makes or replaces the socket at the same time.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import stat
from pathlib import Path
from typing import Final

from cloudplow.control import places
from cloudplow.errors import BusyError, StateError
from cloudplow.state.state_files import write_atomically

#: How many callers may wait to be accepted.
_BACKLOG: Final = 128
_OWNER_ONLY: Final = 0o600


class Listener:
    """A listening socket and its file. path: where it is."""

    def __init__(self, path: Path) -> None:
        """Bind and listen. Raises OSError, also for a place where others could open it or nobody can reach it."""
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self.socket.setblocking(False)
            # On Linux the file has the rights of the socket from the moment that `bind` makes it. A umask would do
            # the same, but for all threads.
            with contextlib.suppress(OSError):
                os.fchmod(self.socket.fileno(), _OWNER_ONLY)
            self.socket.bind(os.fspath(path))
            made = path.lstat()
            self._identity = (made.st_dev, made.st_ino)
            try:
                self._open()
            except BaseException:
                self.remove_file()
                raise
        except BaseException:
            self.socket.close()
            raise

    def _open(self) -> None:
        """Until `listen`, every caller is refused: there is still time to set the rights, and to make sure of them."""
        if _rights(self.path) != _OWNER_ONLY:
            self.path.chmod(_OWNER_ONLY)
            if _rights(self.path) != _OWNER_ONLY:
                raise OSError(errno.ENOTSUP, "this volume keeps no rights of files, so that anybody could steer")
        self.socket.listen(_BACKLOG)
        if not _is_live(self.path):
            raise OSError(errno.ENOTSUP, "a socket on this volume cannot be reached")

    def remove_file(self) -> None:
        """Remove the file, unless another one has taken its place. Nobody finds the socket any more."""
        with contextlib.suppress(OSError):
            found = self.path.lstat()
            if (found.st_dev, found.st_ino) == self._identity:
                self.path.unlink()


def listen(state_dir: Path) -> Listener:
    """A listening socket at the best place for this state folder.

    Raises BusyError when another process listens there, StateError when something is in the way or no place can
    hold a socket.
    """
    inside = state_dir / places.SOCKET_FILE
    old = places.written_place(state_dir)
    try:
        _make_way(inside, state_dir)
        if old is not None and places.may_be_trusted(old, state_dir):
            _make_way(old, state_dir)
    except OSError as error:
        raise StateError(f"the control socket cannot be made: {_why(error)}") from error
    faults = []
    try:
        _check_length(inside)
        listener = Listener(inside)
        places.forget_place(state_dir)
        return listener
    except OSError as error:
        if error.errno == errno.EADDRINUSE:  # Made since we looked, on a volume without locks.
            raise _busy(state_dir, inside) from error
        faults.append(f"{inside}: {_why(error)}")
    for folder, base in places.folders_elsewhere(os.environ):
        try:
            return _try_elsewhere(folder, base, state_dir)
        except OSError as error:
            faults.append(f"{folder}: {_why(error)}")
    raise StateError(
        "the control socket cannot be made, neither in the state folder nor elsewhere; "
        f"let XDG_RUNTIME_DIR name a folder of yours on a local disk ({'; '.join(faults)})"
    )


def _try_elsewhere(folder: Path, base: Path | None, state_dir: Path) -> Listener:
    """A listening socket in a private folder, whose place is written down. Raises BusyError, StateError, OSError."""
    path = folder / places.elsewhere_name(state_dir)
    _check_length(path)
    places.make_private(folder, base)
    try:
        _make_way(path, state_dir)
        listener = Listener(path)
        try:
            write_atomically(state_dir / places.PLACE_FILE, os.fsencode(path) + b"\n")
        except OSError as error:
            listener.remove_file()
            listener.socket.close()
            raise OSError(error.errno, f"{places.PLACE_FILE} cannot be written ({_why(error)})") from error
    except BaseException:
        _remove_if_empty(folder)
        raise
    return listener


def close_file(listener: Listener, state_dir: Path) -> None:
    """Take away everything that leads to the socket; those who are connected stay connected."""
    listener.remove_file()
    if listener.path.parent == state_dir:
        return
    if places.written_place(state_dir) == listener.path:
        places.forget_place(state_dir)
    _remove_if_empty(listener.path.parent)


def _remove_if_empty(folder: Path) -> None:
    with contextlib.suppress(OSError):
        folder.rmdir()  # Another installation may have its socket there.


def _check_length(path: Path) -> None:
    """Raises OSError."""
    if len(os.fsencode(path)) > places.MAX_PATH_BYTES:
        raise OSError(errno.ENAMETOOLONG, f"the path is longer than {places.MAX_PATH_BYTES} bytes")


def _make_way(path: Path, state_dir: Path) -> None:
    """Remove a socket that nobody listens to. Raises BusyError, StateError, OSError."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise StateError(f"{path} is in the way of the control socket, as it is {_kind(mode)}: move or delete it")
    try:
        live = _is_live(path)
    except OSError as error:
        raise StateError(
            f"{path} cannot be replaced ({_why(error)}): another user or program made it; delete it if it is unused"
        ) from error
    if live:
        raise _busy(state_dir, path)
    path.unlink(missing_ok=True)


def _busy(state_dir: Path, path: Path) -> BusyError:
    return BusyError(f"another cloudplow is running with the state folder {state_dir} and listens on {path}")


def _is_live(path: Path) -> bool:
    """Whether somebody listens to a socket. Raises OSError when that cannot be found out."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(os.fspath(path))
        except BlockingIOError:
            return True  # So many callers wait that there is no place for another one.
        except (ConnectionRefusedError, FileNotFoundError):
            return False
    return True


def _rights(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def _kind(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "a folder"
    return "a link" if stat.S_ISLNK(mode) else "no socket"


def _why(error: OSError) -> str:
    return error.strerror or str(error)
