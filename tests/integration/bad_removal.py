"""A plugin for tests of what happens when a file that has arrived is to be removed from the source.

CLOUDPLOW_TEST_REMOVAL says what: "kill" kills the process just before, "refuse" is a folder that may not be written.
"""

from __future__ import annotations

import errno
import os
import signal
from typing import Final

from cloudplow.upload import removal

VARIABLE: Final = "CLOUDPLOW_TEST_REMOVAL"


class _Os:
    """What `cloudplow.upload.removal` needs of `os`."""

    path = os.path
    stat = staticmethod(os.stat)

    @staticmethod
    def unlink(path: str) -> None:
        """In place of removing a file."""
        if os.environ[VARIABLE] == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)


if VARIABLE in os.environ:
    # It is loaded in the process of the upload, where nothing undoes it and nothing needs to.
    vars(removal)["os"] = _Os
