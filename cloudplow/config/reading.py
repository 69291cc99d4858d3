"""config.json and sections from the environment as a plain document; faults name the file, line and column."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from cloudplow.config import syntax
from cloudplow.config.faults import Fault, printable
from cloudplow.config.harmless import is_beside_uploads
from cloudplow.errors import ConfigError

#: Nothing in a real configuration is nested deeper than this.
_MAX_DEPTH: Final = 50


class ConfigMissingError(ConfigError):
    """No configuration file exists at the given path."""


class Document(dict[str, Any]):
    """A configuration as plain values.

    duplicates: one fault for each key that the file has twice in one object. warnings: what was not used.
    """

    def __init__(self, values: Mapping[str, Any], duplicates: Iterable[Fault] = ()) -> None:
        super().__init__(values)
        self.duplicates = tuple(duplicates)
        self.warnings: tuple[str, ...] = ()


def _depth(value: object) -> int:
    deepest = 0
    pending: list[tuple[object, int]] = [(value, 0)]
    while pending:
        current, depth = pending.pop()
        deepest = max(deepest, depth)
        if isinstance(current, dict | list):
            pending += [(inner, depth + 1) for inner in (current.values() if isinstance(current, dict) else current)]
    return deepest


def _read(text: str, label: str) -> tuple[Any, list[Fault]]:
    value, duplicates = syntax.parse(text, label)
    if _depth(value) > _MAX_DEPTH:
        raise ConfigError([syntax.too_deep(label)])
    return value, duplicates


def parse(text: str, label: str) -> Any:
    """Read JSON text. Raises ConfigError for bad syntax, duplicate keys, and absurd numbers or nesting.

    label: what messages call the text.
    """
    value, duplicates = _read(text, label)
    if duplicates:
        raise ConfigError([f"{label}: {one}" for one in duplicates])
    return value


def from_environment(
    document: Mapping[str, Any], environ: Mapping[str, str], names: Iterable[str], lists: frozenset[str]
) -> Document:
    """The document, with each section replaced for which an environment variable of its name holds JSON text.

    names: the sections to look for. lists: those that are lists; all others are objects. An empty variable counts
    as unset. Raises ConfigError with all faults, each naming its variable; for a feature beside the upload a fault
    is a warning.
    """
    duplicates = document.duplicates if isinstance(document, Document) else ()
    result = Document(document, duplicates)
    faults: list[str] = []
    for name in dict.fromkeys(names):
        text = environ.get(name, "")
        if not text.strip():
            continue
        label = f'environment variable "{printable(name)}"'
        unset = "; or unset the variable if it is not meant for cloudplow"
        ignored = ", so it is ignored; correct it, or unset the variable if it is not meant for cloudplow"
        bad: list[str] = []
        try:
            value = parse(text, label)
        except ConfigError as error:
            bad += error.faults
            value = None
        expected, kind = (list, "list") if name in lists else (dict, "object")
        if bad:
            pass
        elif isinstance(value, expected):
            result[name] = value
            result.duplicates = tuple(one for one in result.duplicates if one.parts[:1] != (name,))
        else:
            bad.append(f"{label}: must be a JSON {kind}, as the section is in config.json")
        if is_beside_uploads(name):
            result.warnings += tuple(sentence + ignored for sentence in bad)
        else:
            faults += [sentence + unset for sentence in bad]
    if faults:
        raise ConfigError(faults)
    return result


def read_file(path: Path) -> Document:
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
    value, duplicates = _read(text, shown)
    if not isinstance(value, dict):
        raise ConfigError([f"{shown}: the file must be one JSON object, in curly braces"])
    return Document(value, duplicates)
