"""What each kind of remote makes of a file's size. Pure; see docs/rclone-findings.md for what was measured.

A layer knows what lies below it, down to the drives. `exact` says whether `stored_bytes` is what a drive counts, or
only never less. Layers that treat files alike are equal, wherever their files go: `path` does not count.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from cloudplow.rclone.remotes import stored_size_bytes

_MIB: Final = 1 << 20
#: sgzip compresses a MiB at a time. One that cannot be compressed grows by at most 165 bytes, the file by 25 more.
_GZIP_GROWTH_BYTES: Final = 256
#: The seekable zstd file has a frame and an entry in its table, together about 40 bytes, for each piece that rclone
#: reads. That is 32 KiB, less at the start of a file.
_ZSTD_PIECE_BYTES: Final = 16_384
_ZSTD_GROWTH_BYTES: Final = 64
#: The longest kind of content that rclone is known to find has 73 characters, and may be followed by a charset.
_LONGEST_MIME: Final = "m" * 128
#: What rclone always finds in a file that crypt wrote: it begins with "RCLONE" and two zero bytes.
_SEALED_MIME: Final = "application/octet-stream"


class Layer(Protocol):
    """A remote, or a folder of one, at an rclone path."""

    @property
    def path(self) -> str: ...

    @property
    def exact(self) -> bool: ...

    def stored_bytes(self, size: int) -> int:
        """What drives count for a file of `size` bytes that is uploaded here: exactly, or never less. Monotonic."""
        ...


@dataclass(frozen=True, slots=True)
class Store:
    """A remote that wraps no other. charged: it is a drive; what other services take costs no account anything."""

    path: str = field(compare=False)
    charged: bool = True

    @property
    def exact(self) -> bool:
        return True

    def stored_bytes(self, size: int) -> int:
        return size if self.charged else 0


@dataclass(frozen=True, slots=True)
class Crypt:
    """Encrypts. plain_data: only names."""

    path: str = field(compare=False)
    below: Layer
    plain_data: bool = False

    @property
    def exact(self) -> bool:
        return self.below.exact

    def stored_bytes(self, size: int) -> int:
        return self.below.stored_bytes(size if self.plain_data else stored_size_bytes(size, 1))


@dataclass(frozen=True, slots=True)
class Chunker:
    """Splits files larger than `chunk_bytes`, and then adds a metadata object of about 80 bytes.

    meta: whether there are metadata objects. meta_for_all: also for small files; None when that cannot be known.
    hash_bytes: what the hash takes in it, with its key. transaction_bytes: the same of the transaction's number.
    certain: these are what rclone writes, not only the most. name_format: "*.rclone_chunk.###". Not foreseen is a
    file whose content is itself such a metadata object: it has at most 255 bytes, and gets an object too.
    """

    path: str = field(compare=False)
    below: Layer
    chunk_bytes: int
    meta: bool = True
    meta_for_all: bool | None = False
    hash_bytes: int = 41
    transaction_bytes: int = 0
    certain: bool = True
    name_format: str = field(default="*.rclone_chunk.###", compare=False)
    start_from: int = field(default=1, compare=False)

    @property
    def exact(self) -> bool:
        return self.below.exact and self.certain and self.meta_for_all is not None

    def chunk_sizes(self, size: int) -> tuple[int, int]:
        """How many full chunks a file makes, and the size of the last one."""
        full, last = divmod(size, self.chunk_bytes)
        if full and not last:
            return full - 1, self.chunk_bytes
        return full, last

    def meta_bytes(self, size: int) -> int:
        """The size of a file's metadata object; 0 when it gets none."""
        full, _ = self.chunk_sizes(size)
        if not self.meta or (full == 0 and self.meta_for_all is False):
            return 0
        frame = len(f'{{"ver":1,"size":{size},"nchunks":{full + 1}}}')
        return frame + self.hash_bytes + self.transaction_bytes

    def stored_bytes(self, size: int) -> int:
        full, last = self.chunk_sizes(size)
        meta = self.meta_bytes(size)
        stored = full * self.below.stored_bytes(self.chunk_bytes) + self.below.stored_bytes(last)
        return stored + (self.below.stored_bytes(meta) if meta else 0)


@dataclass(frozen=True, slots=True)
class Compress:
    """Compresses what is worth it, and adds a metadata object to each file.

    zstd: not gzip. old_format: the metadata of rclone 1.60 (True) or of 1.75 (False); None when that is not known.
    sealed: all files come from crypt, so none is worth it.
    """

    path: str = field(compare=False)
    below: Layer
    zstd: bool = False
    old_format: bool | None = None
    sealed: bool = False

    @property
    def exact(self) -> bool:
        return self.sealed and self.old_format is not None and self.below.exact

    def stored_bytes(self, size: int) -> int:
        return self.below.stored_bytes(self._data_bytes(size)) + self.below.stored_bytes(self._meta_bytes(size))

    def _data_bytes(self, size: int) -> int:
        if self.sealed or not size:
            return size
        if self.zstd:
            return size + _ZSTD_GROWTH_BYTES * (2 - -size // _ZSTD_PIECE_BYTES)
        return size + _GZIP_GROWTH_BYTES * (1 - -size // _MIB)

    def _meta_bytes(self, size: int) -> int:
        """The most that the metadata object takes: each block of a compressed file is listed in it."""
        index: dict[str, object] = {"BlockSize": 0, "Size": 0, "BlockData": None}
        listed_bytes = 0
        if not self.sealed and size:
            index = {"BlockSize": _MIB, "Size": size, "BlockData": []}
            if self.zstd:
                listed_bytes = (len(str(size)) + 1) * (2 - -size // _ZSTD_PIECE_BYTES)
            else:
                listed_bytes = len("1048741,") * (2 - -size // _MIB)
        document: dict[str, object] = {"Mode": 0, "Size": size, "MD5": "5" * 32}
        document["MimeType"] = _SEALED_MIME if self.sealed else _LONGEST_MIME
        if self.old_format:
            document["CompressionMetadata"] = index
        else:
            document |= {"CompressionMetadataGzip": index, "CompressionMetadataZstd": None}
        return len(json.dumps(document, separators=(",", ":"))) + listed_bytes


@dataclass(frozen=True, slots=True)
class Union:
    """Several remotes as one. in_all: a new file goes to every one; certain: really to every one.

    Otherwise it goes to one of them. A file that is in several of them already is replaced in all: that is not
    foreseen.
    """

    path: str = field(compare=False)
    ways: tuple[Layer, ...]
    in_all: bool = False
    certain: bool = True

    @property
    def exact(self) -> bool:
        if not all(way.exact for way in self.ways):
            return False
        return self.certain if self.in_all else _alike(self.ways)

    def stored_bytes(self, size: int) -> int:
        costs = [way.stored_bytes(size) for way in self.ways]
        return sum(costs) if self.in_all else max(costs, default=0)


@dataclass(frozen=True, slots=True)
class Combine:
    """Several remotes as folders of one, by the name of the folder."""

    path: str = field(compare=False)
    ways: Mapping[str, Layer]

    @property
    def exact(self) -> bool:
        ways = tuple(self.ways.values())
        return all(way.exact for way in ways) and _alike(ways)

    def stored_bytes(self, size: int) -> int:
        return max((way.stored_bytes(size) for way in self.ways.values()), default=0)


def _alike(ways: tuple[Layer, ...]) -> bool:
    return all(way == ways[0] for way in ways)
