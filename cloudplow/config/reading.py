"""config.json and sections from the environment as a plain document; faults name file, line and column."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from cloudplow.config.faults import place, printable
from cloudplow.errors import ConfigError

_WORDS = re.compile(r'"(?:[^"\\]|\\.)*"?|[^\s{}\[\]:,"]+|[{}\[\]:,]|\s+')
_KEY = re.compile(r'"[\w ./~-]{1,40}"')
_LITERALS: Final = frozenset({"true", "false", "null", "True", "False", "None"})
_SIDE: Final = 40
#: No program's section lies deeper than this.
_MAX_DEPTH: Final = 50
_HINTS: Final = {
    "Expecting ',' delimiter": "a comma is missing here, or a quote or bracket before it",
    "Expecting ':' delimiter": "a colon is missing here, or a quote before it",
    "Expecting property name enclosed in double quotes": "a name in double quotes must come here; "
    "perhaps the comma before it is one too many",
    "Illegal trailing comma before end of object": "the comma before the closing brace is one too many",
    "Illegal trailing comma before end of array": "the comma before the closing bracket is one too many",
    "Expecting value": "a value must come here; texts need double quotes, and no comma follows the last entry",
    "Extra data": "the text goes on after its end; perhaps a closing bracket is one too many",
    "Unterminated string starting at": "a text begins here and its closing quote is missing",
    "Invalid control character at": "a line break or TAB stands inside a text; perhaps its closing quote is missing",
    "Invalid \\escape": "a lone backslash stands inside a text; write it twice",
}


class ConfigMissingError(ConfigError):
    """There is no configuration file at the given path."""


class _Duplicates:
    """Hook for the JSON parser that keeps every object in which a key appears more than once."""

    def __init__(self) -> None:
        self.found: list[tuple[dict[str, Any], str]] = []

    def __call__(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key, value in pairs:
            if key in result:
                self.found.append((result, key))
            result[key] = value
        return result


def _places(value: object) -> dict[int, tuple[str | int, ...]]:
    """The place of every object and list in a document, by identity."""
    places: dict[int, tuple[str | int, ...]] = {}
    pending: list[tuple[object, tuple[str | int, ...]]] = [(value, ())]
    while pending:
        current, parts = pending.pop()
        if isinstance(current, dict):
            places[id(current)] = parts
            pending += [(inner, (*parts, key)) for key, inner in current.items()]
        elif isinstance(current, list):
            places[id(current)] = parts
            pending += [(inner, (*parts, index)) for index, inner in enumerate(current)]
    return places


def _without_values(line: str, column: int) -> tuple[str, str]:
    """A line of JSON before and from a column (0-based), with values blotted out, as they may be secret; keys stay."""
    words = list(_WORDS.finditer(line))
    halves: tuple[list[str], list[str]] = ([], [])
    before = ""
    for index, match in enumerate(words):
        word = match.group()
        following = words[index + 1].group() if index + 1 < len(words) else ""
        if following.isspace():
            following = words[index + 2].group() if index + 2 < len(words) else ""
        is_key = before in {"", "{", ","} and following == ":" and _KEY.fullmatch(word) is not None
        if is_key or word.isspace() or word in "{}[]:," or word in _LITERALS:
            shown = word
        else:
            shown = '"***"' if word.startswith('"') else "***"
        halves[match.start() >= column].append(shown)
        if not word.isspace():
            before = word
    return "".join(halves[0]), "".join(halves[1])


def _syntax_fault(error: json.JSONDecodeError, label: str) -> str:
    if not error.doc.strip():
        return f"{label}: is empty; write the configuration there, see config.json.sample"
    lines = error.doc.split("\n")
    left, right = _without_values(lines[error.lineno - 1], error.colno - 1)
    above = error.lineno - 1
    while not left.strip() and above > 0:
        above -= 1
        left = _without_values(lines[above], len(lines[above]))[0]
    near = f"{printable(left.strip())[-_SIDE:]} >>> {printable(right.strip())[:_SIDE]}".strip()
    hint = _HINTS.get(error.msg, error.msg[:1].lower() + error.msg[1:])
    return f"{label}: line {error.lineno}, column {error.colno}: {hint}; near: {near}"


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no number in JSON; write an ordinary number")


def _too_deep(label: str) -> str:
    return f"{label}: objects or lists lie too deep in each other; make it flatter"


def parse(text: str, label: str) -> Any:
    """Read JSON text. Raises ConfigError: bad syntax, a key twice in an object, numbers or depth beyond reason.

    label: how the sentences call the text.
    """
    duplicates = _Duplicates()
    try:
        value = json.loads(text.removeprefix("\ufeff"), object_pairs_hook=duplicates, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise ConfigError([_syntax_fault(error, label)]) from None
    except ValueError as error:
        text = str(error) if "JSON" in str(error) else "a number has too many digits; write a smaller one"
        raise ConfigError([f"{label}: {text}"]) from None
    except RecursionError:
        raise ConfigError([_too_deep(label)]) from None
    places = _places(value)
    if max(map(len, places.values()), default=0) > _MAX_DEPTH:
        raise ConfigError([_too_deep(label)])
    if duplicates.found:
        paths = [place((*places.get(id(holder), ()), key)) for holder, key in duplicates.found]
        faults = [f"{label}: {path} is there twice in one object; keep one of the two" for path in paths]
        raise ConfigError(list(dict.fromkeys(faults)))
    return value


def from_environment(
    document: Mapping[str, Any], environ: Mapping[str, str], names: Iterable[str], lists: frozenset[str]
) -> dict[str, Any]:
    """The document with every section replaced that an environment variable of its name holds as JSON text.

    names: the sections to look for. lists: those that are lists, all others are objects. An empty variable counts
    as unset. Raises ConfigError, all faults at once, each naming its variable.
    """
    result = dict(document)
    faults: list[str] = []
    for name in dict.fromkeys(names):
        text = environ.get(name, "")
        if not text.strip():
            continue
        label = f'environment variable "{printable(name)}"'
        cure = "; or unset the variable if it is not meant for cloudplow"
        try:
            value = parse(text, label)
        except ConfigError as error:
            faults += [sentence + cure for sentence in error.faults]
            continue
        expected, kind = (list, "list") if name in lists else (dict, "object")
        if isinstance(value, expected):
            result[name] = value
        else:
            faults.append(f"{label}: is no JSON {kind}; write the section as in config.json{cure}")
    if faults:
        raise ConfigError(faults)
    return result


def read_file(path: Path) -> dict[str, Any]:
    """Read a configuration file, with or without a byte order mark.

    Raises ConfigMissingError when there is none, ConfigError when it cannot be read or is no JSON object.
    """
    shown = printable(str(path))
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise ConfigMissingError([f"{shown}: there is no such file; copy config.json.sample there"]) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no usable path"
        raise ConfigError([f"{shown}: cannot be read: {reason}; check the path and its permissions"]) from None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError([f"{shown}: line {line} is no UTF-8 text; save the file as UTF-8"]) from None
    value = parse(text, shown)
    if not isinstance(value, dict):
        raise ConfigError([f"{shown}: the whole file must be one JSON object; put it in curly braces"])
    return value
