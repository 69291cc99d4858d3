"""Names as rclone lists them -> paths of the local disk. Pure.

rclone shows what its standard encoding cannot hold as other characters: control characters as the pictures U+2400 to
U+241F and U+2421, a "/" or a lone dot from a remote as its full-width form; a literal such character is quoted with
U+201B. Source: https://rclone.org/overview/#restricted-characters, observed with 1.60.1 and 1.75.2.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

_QUOTE: Final = "\u201b"
_ENCODED: Final = re.compile(f"{_QUOTE}(.)|([\u2401-\u241f\u2421])", re.DOTALL)


def local_path(folder: Path, name: str) -> Path:
    """The path of a listed file below the source folder."""
    return folder / _ENCODED.sub(_decode, name) if not name.isascii() else folder / name


def is_plain(name: str) -> bool:
    """Whether the listed name holds nothing that rclone may have encoded, so that its path is beyond doubt."""
    return name.isascii() or _ENCODED.search(name) is None


def _decode(match: re.Match[str]) -> str:
    quoted, picture = match.groups()
    if quoted is not None:
        return str(quoted)
    return "\x7f" if picture == "\u2421" else chr(ord(picture) - 0x2400)
