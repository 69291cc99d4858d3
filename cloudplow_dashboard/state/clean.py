"""Makes values fit to be shown: no secrets, no paths of this machine, no null, no infinity, bounded length. Pure.

Everything that enters the state passes through here, so that no route has to think of it.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from functools import cache, partial
from types import UnionType
from typing import Any, Final, Literal, TypeVar, get_args, get_origin, get_type_hints

from cloudplow import redaction
from cloudplow.events import Event

#: Longest file name, and longest sentence or error, that is kept; in characters.
NAME_LIMIT: Final = 1024
TEXT_LIMIT: Final = 300
#: Only the beginning of a longer error is read, so that a huge one costs nothing.
_REDACT_INPUT_LIMIT: Final = 4 * TEXT_LIMIT
#: Bounds for documents that come from events and files: depth, members of one object, members of one list.
DOCUMENT_DEPTH: Final = 8
DOCUMENT_KEYS: Final = 2000
DOCUMENT_ITEMS: Final = 2000
_NUMBER_LIMIT: Final = 1 << 63
#: Characters that turn the text after them, so that "exe.gpj" reads as a picture; and what stands for them.
_DIRECTIONS: Final = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)], "\ufffd")

E = TypeVar("E", bound=Event)
W = TypeVar("W", bound=StrEnum)


def number(value: object) -> float | int:
    """A finite number, not negative; 0 for anything else. Whole numbers stay whole."""
    if isinstance(value, int):
        return min(max(int(value), 0), _NUMBER_LIMIT)
    if isinstance(value, float) and math.isfinite(value):
        return min(max(value, 0.0), float(_NUMBER_LIMIT))
    return 0


def whole(value: object) -> int:
    """A whole number, not negative; 0 for anything else."""
    return int(number(value))


def seconds_or_unknown(value: object) -> float | int:
    """Seconds; -1 when unknown."""
    if isinstance(value, int | float) and value >= 0 and math.isfinite(value):
        return number(value)
    return -1


def word(value: object, words: type[W]) -> W | Literal[""]:
    """One of the words of an enumeration; "" for anything else."""
    try:
        return words(value) if isinstance(value, str) else ""
    except ValueError:
        return ""


def text(value: object, limit: int = TEXT_LIMIT) -> str:
    """A text that every encoder can write, cut at `limit` characters; "" for anything that is not a text."""
    if not isinstance(value, str):
        return ""
    if len(value) > limit:
        value = value[: limit - 1] + "…"
    if value.isascii():
        return value
    # rclone and Linux allow names that are not UTF-8; Python carries their bytes as lone surrogates.
    return value.encode("utf-8", "replace").decode("utf-8")


def file_name(value: object) -> str:
    """A file's name as it is shown: relative to the upload folder; of an absolute path only the last part."""
    name = text(value, NAME_LIMIT)
    return base_name(name) if name.startswith("/") else name


def base_name(path: object) -> str:
    """The last part of a path in either notation; "" for none."""
    name = text(path, NAME_LIMIT).rstrip("/\\")
    return name.replace("\\", "/").rpartition("/")[2]


def folder_path(value: object) -> str:
    """A whole path, to compare with; never shown."""
    path = text(value, 4096)
    return path.rstrip("/") or path


def remote(value: object) -> str:
    """A remote as "name:path" without the parameters of a connection string; of a local path only the last part."""
    whole_text = text(value, NAME_LIMIT)
    colon = _closing_colon(whole_text)
    if colon < 0:
        return base_name(whole_text) if whole_text.startswith(("/", "~", ".", "\\")) else whole_text
    head, path = whole_text[:colon], whole_text[colon + 1 :]
    name = head.partition(",")[0]
    return f"{name}:{base_name(path) if path.startswith(('/', '~', chr(92))) else path}"


def _closing_colon(value: str) -> int:
    """Where the colon is that ends a remote's name; parameters may hold quoted colons. -1 for none."""
    quote = ""
    for position, character in enumerate(value):
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        elif character == ":" and position > 0:
            return position
        elif character == "/" and "," not in value[:position]:
            return -1
    return -1


def sentence(value: str, limit: int = TEXT_LIMIT) -> str:
    """A text in which no name turns the direction of the words around it."""
    return text(value, limit).translate(_DIRECTIONS)


def redact(value: object, *, known_paths: Sequence[str] = ()) -> str:
    """A sentence or error text without absolute paths, e-mail addresses, addresses, credentials and tokens.

    known_paths: folders to take out first, because their names may hold anything. Of other paths the last part stays.
    """
    if not isinstance(value, str) or not value:
        return ""
    return text(redaction.redact(text(value, _REDACT_INPUT_LIMIT), known_paths=known_paths))


def document(value: object, depth: int = DOCUMENT_DEPTH) -> Any:
    """A JSON document fit to be shown: null members dropped, infinities 0, texts redacted, size bounded."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return min(max(int(value), -_NUMBER_LIMIT), _NUMBER_LIMIT)
    if isinstance(value, float):
        return value if math.isfinite(value) else 0
    if isinstance(value, str):
        return base_name(value) if value.startswith(("/", "~/")) else redact(value)
    if depth <= 0:
        return ""
    if isinstance(value, Mapping):
        return _members(value, depth)
    if isinstance(value, Sequence | set | frozenset):
        kept = (item for item in list(value)[:DOCUMENT_ITEMS] if item is not None)
        return [document(item, depth - 1) for item in kept]
    return redact(str(value))


def _members(value: Mapping[Any, Any], depth: int) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for key, member in value.items():
        if len(members) >= DOCUMENT_KEYS:
            break
        if member is not None:
            members[file_name(str(key))] = document(member, depth - 1)
    return members


def mapping(value: object) -> dict[str, Any]:
    """A JSON object fit to be shown; {} for anything else."""
    return _members(value, DOCUMENT_DEPTH) if isinstance(value, Mapping) else {}


#: What a text of an event is, by the name of its field; every other text is a sentence.
_TEXTS: Final[Mapping[str, Callable[[object], str]]] = {
    "session_id": text,
    "uploader": partial(text, limit=NAME_LIMIT),
    "upload_folder": base_name,
    "upload_remote": remote,
    "account": base_name,
    "previous": base_name,
    "current": base_name,
    "name": file_name,
}


def event(told: E, *, at: float, known_paths: Sequence[str] = ()) -> E:
    """The same event with every field fit for a sentence. at: epoch seconds; known_paths: see `redact`.

    Lists and documents are left out: no sentence needs them.
    """
    values: dict[str, Any] = {}
    kind_of_event: Any = type(told)
    for name, kind, optional in _fields(kind_of_event):
        value = getattr(told, name)
        values[name] = None if optional and value is None else _field(name, kind, value, known_paths)
    return dataclasses.replace(told, **(values | {"at": at}))


@cache
def _fields(kind: type[Event]) -> list[tuple[str, Any, bool]]:
    """The fields of a kind of event: name, type, and whether it may be None."""
    found = []
    for field in dataclasses.fields(kind):
        hint = get_type_hints(kind)[field.name]
        optional = isinstance(hint, UnionType)
        found.append((field.name, get_args(hint)[0] if optional else hint, optional))
    return found


def _field(name: str, kind: Any, value: object, known_paths: Sequence[str]) -> Any:
    if kind is bool:
        return value is True
    if kind is int:
        return whole(value)
    if kind is float:
        return number(value)
    if kind is str:
        return _TEXTS[name](value) if name in _TEXTS else redact(value, known_paths=known_paths)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return word(value, kind)
    return () if get_origin(kind) is tuple else {}
