"""Where the control socket is: in the state folder, or where that cannot hold one, in a private folder elsewhere.

Its place elsewhere is written in the state folder, and its name there is a digest of the state folder, so that two
installations of one user do not collide and a copied state folder does not lead to the original's owner.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

SOCKET_FILE: Final = "control.sock"
#: Names the socket's place when that is not the state folder.
PLACE_FILE: Final = "control.sock.path"
#: The longest path that the address of a socket can hold, in bytes.
MAX_PATH_BYTES: Final = 107


def elsewhere_name(state_dir: Path) -> str:
    """The socket's file name outside the state folder."""
    digest = hashlib.sha256(os.fsencode(os.path.realpath(state_dir))).hexdigest()
    return f"control-{digest[:16]}.sock"


def written_place(state_dir: Path) -> Path | None:
    """The place that the last owner wrote down; None if there is none, or if it belongs to another state folder."""
    try:
        written = (state_dir / PLACE_FILE).read_bytes().removesuffix(b"\n")
    except OSError:
        return None
    path = Path("" if b"\0" in written else os.fsdecode(written))
    return path if path.is_absolute() and path.name == elsewhere_name(state_dir) else None


def forget_place(state_dir: Path) -> None:
    """Remove what is written, if it can be removed."""
    with contextlib.suppress(OSError):
        (state_dir / PLACE_FILE).unlink(missing_ok=True)


def folders_elsewhere(environ: Mapping[str, str]) -> Iterator[tuple[Path, Path | None]]:
    """Pairs of a folder for sockets, best first, and the folder that must be ours for it (None: anybody's will do)."""
    uid = os.geteuid()
    runtime = [Path(environ.get("XDG_RUNTIME_DIR", "")), Path(f"/run/user/{uid}")]
    for base in dict.fromkeys(runtime):
        if base.is_absolute():
            yield base / "cloudplow", base
    yield Path(tempfile.gettempdir()) / f"cloudplow-{uid}", None


def make_private(folder: Path, base: Path | None) -> None:
    """Create a folder that only we may enter, or make sure that it is one. Raises OSError."""
    uid = os.geteuid()
    if base is not None and base.stat().st_uid != uid:
        # Kept by `sudo`, for example. A folder of ours would be in that user's way.
        raise PermissionError(f"{base} belongs to another user")
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    if not _is_private(folder, {uid}):
        raise PermissionError(f"{folder} is not a folder that only its owner may enter, or not ours; delete it")


def may_be_trusted(path: Path, state_dir: Path) -> bool:
    """Whether a socket outside the state folder is in a private folder of somebody who may answer for it: us, root,
    or whoever owns the state folder; False if there is no such folder. Raises OSError.
    """
    try:
        return _is_private(path.parent, {0, os.geteuid(), state_dir.stat().st_uid})
    except FileNotFoundError:
        return False


def _is_private(folder: Path, owners: set[int]) -> bool:
    found = folder.lstat()  # A link may lead to anybody's folder.
    return stat.S_ISDIR(found.st_mode) and not stat.S_IMODE(found.st_mode) & 0o077 and found.st_uid in owners
