"""Faults as sentences: the place in the file, what is wrong, what to do; without secrets and raw control characters."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Final

from pydantic_core import ErrorDetails

_PLAIN_PART = re.compile(r"[\w-]+")
_SECRET = re.compile(r"token|secret|pass|key|url|webhook|credential|auth|cookie|header|user", re.IGNORECASE)
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|@")
_ECHO_LIMIT: Final = 60

_SENTENCES: Final = {
    "missing": "is missing; add it",
    "bool_parsing": "is neither true nor false; write true or false",
    "bool_type": "is neither true nor false; write true or false",
    "int_parsing": "is no whole number; write a number without quotes",
    "int_parsing_size": "is too large a number; write a smaller one",
    "int_type": "is no whole number; write a number without quotes",
    "int_from_float": "is no whole number; leave out the part after the point",
    "float_parsing": "is no number; write a number without quotes",
    "float_type": "is no number; write a number without quotes",
    "finite_number": "is no finite number; write an ordinary one",
    "string_type": "is no text; put it in double quotes",
    "string_unicode": "is no valid Unicode text; write it again",
    "string_sub_type": "is no text; put it in double quotes",
    "tuple_type": 'is no list; write it in square brackets, for example ["a", "b"]',
    "list_type": 'is no list; write it in square brackets, for example ["a", "b"]',
    "dict_type": 'is no object; write it in curly braces, for example {"name": "value"}',
    "mapping_type": 'is no object; write it in curly braces, for example {"name": "value"}',
    "model_type": 'is no object; write it in curly braces, for example {"name": "value"}',
    "model_attributes_type": 'is no object; write it in curly braces, for example {"name": "value"}',
    "extra_forbidden": "is no known key here; remove it",
    "string_too_short": "is too short; write at least <min_length> characters",
    "string_too_long": "is too long; write at most <max_length> characters",
    "too_short": "holds too little; write at least <min_length> entries",
    "too_long": "holds too much; write at most <max_length> entries",
    "greater_than": "is too small; write a number above <gt>",
    "greater_than_equal": "is too small; write <ge> or more",
    "less_than": "is too large; write a number below <lt>",
    "less_than_equal": "is too large; write <le> or less",
}


def printable(text: str) -> str:
    """The text with every character escaped that a terminal might obey or cannot show."""
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
    """Whether the value at a path may be a secret, so that it must not be shown."""
    names = [part for part in parts if isinstance(part, str)]
    if names[:1] == ["notifications"] and names[-1] not in {"service", "priority"}:
        return True
    return any(part == "rclone_extras" or _SECRET.search(part) is not None for part in names)


def shown(parts: Sequence[str | int], value: object) -> str:
    """A value as it stands in the file, shortened; "" when it must not be shown or is no simple value."""
    if is_secret(parts) or not isinstance(value, str | int | float | None):
        return ""
    if isinstance(value, str):
        if _ADDRESS.search(value):
            return ""
        text = printable(value[:_ECHO_LIMIT]) + ("…" if len(value) > _ECHO_LIMIT else "")
        return f'"{text}"'
    try:
        text = json.dumps(value)
    except ValueError:  # an integer of more digits than Python prints
        return ""
    return text if len(text) <= _ECHO_LIMIT else text[:_ECHO_LIMIT] + "…"


def fault(parts: Sequence[str | int], sentence: str, *, value: object = ...) -> str:
    """One fault: "uploader.google.check_interval: 0 is too small; write a number above 0".

    value: what stands there; left out = nothing, or the sentence says it.
    """
    subject = "" if value is ... else (shown(parts, value) or "this value") + " "
    return f"{place(parts)}: {subject}{printable(sentence)}"


def from_pydantic(error: ErrorDetails, prefix: Sequence[str | int] = ()) -> str:
    """The sentence for one error of pydantic; `prefix` is the place of the model in the file."""
    parts = [*prefix, *error["loc"]]
    kind = error["type"]
    context = error.get("ctx", {})
    if parts and parts[-1] == "[key]":  # the name in an object is at fault, not its value
        parts.pop()
    value = error.get("input")
    if kind == "literal_error":
        sentence = "is not allowed; write " + str(context.get("expected", "")).replace("'", '"')
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
    if kind == "missing" or (kind == "value_error" and isinstance(value, dict)):
        return fault(parts, sentence)
    return fault(parts, sentence, value=value)
