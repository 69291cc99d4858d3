"""How long a file is that rclone's crypt has encrypted: 32 bytes before it, 16 with each block of 64 KiB. Pure."""

from __future__ import annotations

from typing import Final

_HEADER_BYTES: Final = 32
_BLOCK_BYTES: Final = 64 << 10
_TAG_BYTES: Final = 16


def stored_bytes(plain: int) -> int:
    """The length of an encrypted file."""
    return _HEADER_BYTES + plain + _TAG_BYTES * -(-plain // _BLOCK_BYTES)


def plain_bytes(stored: int) -> int:
    """The length before it was encrypted."""
    body = stored - _HEADER_BYTES
    return body - _TAG_BYTES * -(-body // (_BLOCK_BYTES + _TAG_BYTES))
