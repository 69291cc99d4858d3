"""Faults as sentences: the place in the file, what is wrong, what to do; no secrets, no raw control characters."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    # 15 ms, and only a name.
    from pydantic_core import ErrorDetails

#: A place in the document: keys, and the indices of lists.
Parts = tuple[str | int, ...]

_PLAIN_PART = re.compile(r"[\w-]+")
_SECRET = re.compile(r"token|secret|pass|key|url|webhook|credential|auth|cookie|header|user", re.IGNORECASE)
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|@")
_ECHO_LIMIT: Final = 60

_SENTENCES: Final = {
    "missing": "is missing; add it",
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "int_parsing": "must be a whole number, without quotes",
    "int_parsing_size": "must be a smaller number",
    "int_type": "must be a whole number, without quotes",
    "int_from_float": "must be a whole number, without a decimal point",
    "float_parsing": "must be a number, without quotes",
    "float_type": "must be a number, without quotes",
    "finite_number": "must be a finite number",
    "string_type": "must be a string, in double quotes",
    "string_unicode": "must be valid Unicode",
    "string_sub_type": "must be a string, in double quotes",
    "tuple_type": 'must be a list, for example ["a", "b"]',
    "list_type": 'must be a list, for example ["a", "b"]',
    "dict_type": 'must be an object, for example {"name": "value"}',
    "mapping_type": 'must be an object, for example {"name": "value"}',
    "model_type": 'must be an object, for example {"name": "value"}',
    "model_attributes_type": 'must be an object, for example {"name": "value"}',
    "extra_forbidden": "is not a known key; remove it",
    "string_too_short": "must have at least <min_length> characters",
    "string_too_long": "must have at most <max_length> characters",
    "too_short": "must have at least <min_length> entries",
    "too_long": "must have at most <max_length> entries",
    "greater_than": "must be greater than <gt>",
    "greater_than_equal": "must be at least <ge>",
    "less_than": "must be less than <lt>",
    "less_than_equal": "must be at most <le>",
}


def printable(text: str) -> str:
    """The text with every character escaped that a terminal might interpret or cannot show."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape", "surrogatepass").decode("ascii") for char in text
    )


def place(parts: Sequence[str | int]) -> str:
    """A path in the file: ("hidden", "/mnt/x", "hidden_remotes", 0) -> `hidden."/mnt/x".hidden_remotes[0]`."""
    text = ""
    for part in parts:
        if isinstance(part, int):
            text += f"[{part}]"
            continue
        shown = part if _PLAIN_PART.fullmatch(part) else f'"{printable(part)}"'
        if len(shown) > _ECHO_LIMIT:
            shown = shown[: _ECHO_LIMIT - 1] + "…"
        text += f".{shown}" if text else shown
    return text


def is_secret(parts: Sequence[str | int]) -> bool:
    """Whether the value at a path may be a secret and must not be shown."""
    names = [part for part in parts if isinstance(part, str)]
    if names[:1] == ["notifications"] and names[-1] not in {"service", "priority"}:
        return True
    return any(part == "rclone_extras" or _SECRET.search(part) is not None for part in names)


def shown(parts: Sequence[str | int], value: object) -> str:
    """A value as written in the file, shortened; "" when it must not be shown or is not a simple value."""
    if is_secret(parts) or not isinstance(value, str | int | float | None):
        return ""
    if isinstance(value, str):
        if _ADDRESS.search(value):
            return ""
        text = printable(value[:_ECHO_LIMIT]) + ("…" if len(value) > _ECHO_LIMIT else "")
        return f'"{text}"'
    try:
        text = json.dumps(value)
    except ValueError:  # an integer with more digits than Python prints
        return ""
    return text if len(text) <= _ECHO_LIMIT else text[:_ECHO_LIMIT] + "…"


class Fault(NamedTuple):
    """Something wrong at one place in the file.

    sentence: what is wrong, and after a semicolon what to do. found: what is there now, for people; "" if it must not
    be shown. owner: the place that suffers from it, if that is another one.
    """

    parts: Parts
    sentence: str
    found: str = ""
    owner: Parts | None = None

    def __str__(self) -> str:
        """The sentence with its place: "uploader.google.check_interval: must be greater than 0 (found 0)"."""
        return f"{place(self.parts)}: {printable(self.sentence)}{self._found()}"

    def warning(self, consequence: str) -> str:
        """The same for a fault that does not keep an upload from starting: place, what is wrong, consequence, cure."""
        what, _, cure = printable(self.sentence).partition("; ")
        return f"{place(self.parts)}: {what}{self._found()}, so {printable(consequence)}; {cure or 'correct it'}"

    def _found(self) -> str:
        return f" (found {self.found})" if self.found else ""


def fault(parts: Sequence[str | int], sentence: str, *, value: object = ..., owner: Parts | None = None) -> Fault:
    """One fault. value: what the file has there; omit it when it has nothing, or when the sentence quotes it."""
    return Fault(tuple(parts), sentence, "" if value is ... else shown(parts, value), owner)


def from_pydantic(error: ErrorDetails, prefix: Sequence[str | int] = ()) -> Fault:
    """The fault for one pydantic error; `prefix` is the place of the model in the file."""
    parts = [*prefix, *error["loc"]]
    kind = error["type"]
    context = error.get("ctx", {})
    if parts and parts[-1] == "[key]":  # the key is at fault, not its value
        parts.pop()
    value = error.get("input")
    if kind in ("literal_error", "enum"):
        sentence = "must be " + str(context.get("expected", "")).replace("'", '"')
    elif kind == "value_error":
        sentence = str(context.get("error", error["msg"]))
    elif kind in _SENTENCES:
        sentence = _SENTENCES[kind]
        for name, limit in context.items():
            sentence = sentence.replace(f"<{name}>", f"{limit:g}" if isinstance(limit, float) else str(limit))
    else:
        sentence = "is not valid: " + error["msg"][:1].lower() + error["msg"][1:]
    if isinstance(value, str) and len(value) > 2 and not shown(parts, value):
        sentence = sentence.replace(value, "***")
    if kind in ("missing", "extra_forbidden"):
        return fault(parts, sentence)
    return fault(parts, sentence, value=value)
