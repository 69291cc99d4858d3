"""A plugin for tests of what happens when a file that has arrived is to be removed from the source.

CLOUDPLOW_TEST_REMOVAL says what: "kill" kills the process just before, "kill aside" when the file has been put aside,
"refuse" is a folder that may not be written.
"""

from __future__ import annotations

import errno
import os
import signal
from typing import Any, Final

from cloudplow.upload import removal

VARIABLE: Final = "CLOUDPLOW_TEST_REMOVAL"


class _Os:
    """What `cloudplow.upload.removal` needs of `os`."""

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    def rename(self, *paths: str, **folders: Any) -> None:
        """In place of putting a file aside."""
        if os.environ[VARIABLE] == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if os.environ[VARIABLE] == "refuse":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), paths[0])
        os.rename(paths[0], paths[1], **folders)  # noqa: PTH104

    def unlink(self, path: str, **folders: int) -> None:
        """In place of removing a file."""
        if os.environ[VARIABLE] == "kill aside":
            os.kill(os.getpid(), signal.SIGKILL)
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)


if VARIABLE in os.environ:
    # It is loaded in the process of the upload, where nothing undoes it and nothing needs to.
    vars(removal)["os"] = _Os()
