"""What rclone sent more often than once, as far as its statistics tell. Pure.

When the answer to an upload is lost, rclone sends the file again and logs nothing of it; Google counts both. The
statistics count every byte that was sent: of files that arrived, of files that failed, and what was sent again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

#: Chunks of a resumable upload are multiples of this, in bytes (Google's rule).
CHUNK_UNIT_BYTES: Final = 256 << 10
#: For more failed files than this it is not worked out which parts of them may have been sent.
_FAILED_LIMIT: Final = 10


class FailedFile(NamedTuple):
    """A file that failed. stored_bytes: all of it, as the statistics count it.

    seen_bytes: so much of it was sent, at least. refused: Google refused it; else it may have been cut off anywhere.
    """

    stored_bytes: int
    seen_bytes: int
    refused: bool = True

    @property
    def sent_bytes(self) -> int:
        """What was surely sent of it once."""
        return min(self.seen_bytes, self.stored_bytes)


def repeated_bytes(unexplained_bytes: int, failed: Sequence[FailedFile]) -> int:
    """How much was sent again and may have been counted again, in bytes; rather too much than too little.

    unexplained_bytes: what the statistics count beyond files that arrived or are charged already. Files that failed
    explain it if they were refused after all of it or at the end of a chunk, or if they were cut off somewhere.
    """
    if unexplained_bytes <= 0 or _is_explained(unexplained_bytes, failed):
        return 0
    return max(0, unexplained_bytes - sum(one.sent_bytes for one in failed))


def _is_explained(unexplained_bytes: int, failed: Sequence[FailedFile]) -> bool:
    if unexplained_bytes > sum(one.stored_bytes for one in failed):
        return False
    if len(failed) > _FAILED_LIMIT or not all(one.refused for one in failed):
        return True
    wholes = _sums(one.stored_bytes for one in failed)
    return any(rest >= 0 and rest % CHUNK_UNIT_BYTES == 0 for rest in (unexplained_bytes - whole for whole in wholes))


def _sums(sizes: Iterable[int]) -> set[int]:
    """The sums of every choice of sizes."""
    sums = {0}
    for size in sizes:
        sums |= {one + size for one in sums}
    return sums
