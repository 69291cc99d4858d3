"""The password of a session's remote controls, and the file by which rclone knows it. Nothing else ever holds it."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import secrets
from pathlib import Path
from typing import Final

from cloudplow.state.ownership import like_the_folder
from cloudplow.state.sweeping import RC_FOLDER

USER: Final = "cloudplow"
#: Of randomness, in bytes: nobody finds it from its hash, even one that is fast to compute.
_RANDOM_BYTES: Final = 32


class RcPassword:
    """A random password. Its file (0600, in a folder that is 0700) holds one `{SHA}` line, which every rclone reads.

    In a variable it would be printed by `-vv`, and on the command line be shown by `ps`.
    """

    def __init__(self, state_dir: Path, stem: str) -> None:
        """stem: the name of the file, without the process' number. Raises OSError if the file cannot be made."""
        self._password = secrets.token_urlsafe(_RANDOM_BYTES)
        self._path = state_dir / RC_FOLDER / f"{stem}.{os.getpid()}.htpasswd"
        folder = self._path.parent
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.suppress(OSError):  # some volumes know no rights; a hash in it says nothing
            folder.chmod(0o700)
        self._path.unlink(missing_ok=True)
        digest = hashlib.sha1(self._password.encode(), usedforsecurity=False).digest()
        line = f"{USER}:{{SHA}}{base64.b64encode(digest).decode()}\n".encode()
        try:
            fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(fd, "wb") as file:
                file.write(line)
        except OSError:
            self.remove()
            raise
        like_the_folder(folder, self._path)

    def __repr__(self) -> str:
        return "RcPassword()"

    def environment(self) -> dict[str, str]:
        """The variables with which rclone listens: at a free port, for this machine and with this password only."""
        return {"RCLONE_RC": "true", "RCLONE_RC_ADDR": "127.0.0.1:0", "RCLONE_RC_HTPASSWD": str(self._path)}

    def url(self, port: int) -> str:
        """Where an rclone listens, with user and password."""
        return f"http://{USER}:{self._password}@127.0.0.1:{port}"

    def remove(self) -> None:
        """Remove the file. Raises nothing."""
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self._path.parent.rmdir()  # unless another session has a file in it
