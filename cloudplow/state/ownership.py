"""Files of the state folder keep its owner: one run as root must not lock out the user who runs cloudplow otherwise."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def like_the_folder(*paths: Path) -> None:
    """Give files to the owner of their folder, if we are root and it is somebody else's; as far as that is possible."""
    if os.geteuid() != 0:
        return
    for path in paths:
        with contextlib.suppress(OSError):
            owner, found = path.parent.stat(), path.lstat()
            if (found.st_uid, found.st_gid) != (owner.st_uid, owner.st_gid):
                os.lchown(path, owner.st_uid, owner.st_gid)
