"""Removes the folders that an upload has left empty."""

from __future__ import annotations

import os
from pathlib import Path


def remove_empty_folders(root: Path, depth: int) -> int:
    """Remove empty folders at least `depth` levels below the root (1 = its direct children), deepest first.

    Returns how many were removed. A folder that is in use or not ours is left alone. Symbolic links are not followed.
    """
    removed = 0
    base = len(root.parts)
    for folder, _, _ in os.walk(root, topdown=False):
        if len(Path(folder).parts) - base < max(1, depth):
            continue
        try:
            Path(folder).rmdir()
        except OSError:
            continue
        removed += 1
    return removed
