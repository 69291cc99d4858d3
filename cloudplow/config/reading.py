"""config.json and sections from the environment as a plain document; faults name the file, line and column."""

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
#: Nothing in a real configuration is nested deeper than this.
_MAX_DEPTH: Final = 50
_HINTS: Final = {
    "Expecting ',' delimiter": "a comma is missing here, or a quote or bracket before it",
    "Expecting ':' delimiter": "a colon is missing here, or a quote before it",
    "Expecting property name enclosed in double quotes": "a key in double quotes is missing here; "
    "remove the comma before it if it was the last entry",
    "Illegal trailing comma before end of object": "remove the comma before the closing brace",
    "Illegal trailing comma before end of array": "remove the comma before the closing bracket",
    "Expecting value": "a value is missing here; strings need double quotes, and no comma follows the last entry",
    "Extra data": "there is more text after the end; perhaps there is one closing bracket too many",
    "Unterminated string starting at": "the string that starts here has no closing quote",
    "Invalid control character at": "there is a line break or TAB in a string; perhaps its closing quote is missing",
    "Invalid \\escape": "there is a single backslash in a string; double it",
}


class ConfigMissingError(ConfigError):
    """No configuration file exists at the given path."""


class _Duplicates:
    """Hook for the JSON parser that records every object in which a key appears more than once."""

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
    """A line of JSON, split at a column (0-based), with values masked because they may be secret; keys are kept."""
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
        return f"{label}: is empty; it must hold the configuration, see config.json.sample"
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
    raise ValueError(f"{name} is not a JSON number; write a finite one")


def _too_deep(label: str) -> str:
    return f"{label}: objects or lists are nested too deeply; flatten them"


def parse(text: str, label: str) -> Any:
    """Read JSON text. Raises ConfigError for bad syntax, duplicate keys, and absurd numbers or nesting.

    label: what messages call the text.
    """
    duplicates = _Duplicates()
    try:
        value = json.loads(text.removeprefix("\ufeff"), object_pairs_hook=duplicates, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise ConfigError([_syntax_fault(error, label)]) from None
    except ValueError as error:
        text = str(error) if "JSON" in str(error) else "a number has too many digits; shorten it"
        raise ConfigError([f"{label}: {text}"]) from None
    except RecursionError:
        raise ConfigError([_too_deep(label)]) from None
    places = _places(value)
    if max(map(len, places.values()), default=0) > _MAX_DEPTH:
        raise ConfigError([_too_deep(label)])
    if duplicates.found:
        paths = [place((*places.get(id(holder), ()), key)) for holder, key in duplicates.found]
        faults = [f"{label}: {path} appears twice in one object; keep one of them" for path in paths]
        raise ConfigError(list(dict.fromkeys(faults)))
    return value


def from_environment(
    document: Mapping[str, Any], environ: Mapping[str, str], names: Iterable[str], lists: frozenset[str]
) -> dict[str, Any]:
    """The document, with each section replaced for which an environment variable of its name holds JSON text.

    names: the sections to look for. lists: those that are lists; all others are objects. An empty variable counts
    as unset. Raises ConfigError with all faults, each naming its variable.
    """
    result = dict(document)
    faults: list[str] = []
    for name in dict.fromkeys(names):
        text = environ.get(name, "")
        if not text.strip():
            continue
        label = f'environment variable "{printable(name)}"'
        unset = "; or unset the variable if it is not meant for cloudplow"
        try:
            value = parse(text, label)
        except ConfigError as error:
            faults += [sentence + unset for sentence in error.faults]
            continue
        expected, kind = (list, "list") if name in lists else (dict, "object")
        if isinstance(value, expected):
            result[name] = value
        else:
            faults.append(f"{label}: must be a JSON {kind}, as the section is in config.json{unset}")
    if faults:
        raise ConfigError(faults)
    return result


def read_file(path: Path) -> dict[str, Any]:
    """Read a configuration file, with or without a byte order mark.

    Raises ConfigMissingError when there is none, ConfigError when it cannot be read or is not a JSON object.
    """
    shown = printable(str(path))
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise ConfigMissingError([f"{shown}: the file does not exist; copy config.json.sample there"]) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "the path is not valid"
        raise ConfigError([f"{shown}: cannot be read: {reason}; check the path and its permissions"]) from None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError([f"{shown}: line {line} is not valid UTF-8; save the file as UTF-8"]) from None
    value = parse(text, shown)
    if not isinstance(value, dict):
        raise ConfigError([f"{shown}: the file must be one JSON object, in curly braces"])
    return value
