"""JSON text to values; what is wrong with the text, each with line and column, and keys that appear twice."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from cloudplow.config.faults import Fault, Parts, fault, printable
from cloudplow.errors import ConfigError

_WORDS = re.compile(r'"(?:[^"\\]|\\.)*"?|[^\s{}\[\]:,"]+|[{}\[\]:,]|\s+')
_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],]', re.DOTALL)
_COMMENT = re.compile(r"//[^\n]*|#[^\n]*|/\*.*?(?:\*/|\Z)", re.DOTALL)
_CONSTANT = re.compile(r'"(?:[^"\\]|\\.)*"|(-?Infinity|NaN)', re.DOTALL)
_KEY = re.compile(r'"[\w ./~-]{1,40}"')
_LITERALS: Final = frozenset({"true", "false", "null", "True", "False", "None"})
_SPACES: Final = " \t\r\n"
_QUOTES: Final = frozenset("\u2018\u2019\u201c\u201d\u201e\u00ab\u00bb")
_SIDE: Final = 40
#: So many slips are shown at once, at most.
_MOST_FAULTS: Final = 20
_HINTS: Final = {
    "Expecting ',' delimiter": "a comma is missing here, or a quote or bracket before it",
    "Expecting ':' delimiter": "a colon is missing here, or a quote before it",
    "Expecting property name enclosed in double quotes": "a key in double quotes is missing here",
    "Expecting value": "a value is missing here; strings need double quotes, and no comma follows the last entry",
    "Extra data": "there is more text after the end; perhaps there is one closing bracket too many",
    "Unterminated string starting at": "the string that starts here has no closing quote",
    "Invalid control character at": "there is a line break or TAB in a string; perhaps its closing quote is missing",
    "Invalid \\escape": "there is a single backslash in a string; double it",
}


class _Slip(NamedTuple):
    """One thing that is wrong with the text: where, and a sentence. end: what is before it can be passed over."""

    start: int
    sentence: str
    end: int = -1


class _DuplicateFound:
    """Hook for the JSON parser that notes whether a key appears twice in any object."""

    def __init__(self) -> None:
        self.any = False

    def __call__(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(pairs)
        self.any = self.any or len(result) != len(pairs)
        return result


@dataclass(slots=True)
class _Frame:
    """An object or a list that the text is in."""

    is_object: bool
    key: str | int = 0
    expects_key: bool = True
    lines: dict[str, int] = field(default_factory=dict)


def parse(text: str, label: str) -> tuple[Any, list[Fault]]:
    """Read JSON text; also returns a fault for every key that appears twice in one object (the last one counts).

    label: what messages call the text. Raises ConfigError for bad syntax, and for absurd numbers or nesting.
    """
    text = text.removeprefix("\ufeff")
    found = _DuplicateFound()
    slips: list[_Slip] = []
    duplicates: list[Fault] = []
    value: Any = None
    readable = text
    while True:
        try:
            value = json.loads(readable, object_pairs_hook=found, parse_constant=_no_constant)
            duplicates = list(_duplicates(readable)) if found.any else []
            break
        except json.JSONDecodeError as error:
            slip = _slip(readable, error)
        except ValueError as error:
            slip = _number(readable, str(error))
        except RecursionError:
            raise ConfigError([too_deep(label)]) from None
        slips.append(slip)
        if slip.end < 0 or len(slips) == _MOST_FAULTS:
            break
        # Passed over, so that what is wrong after it is found too.
        readable = (
            readable[: slip.start] + re.sub(r"[^\n]", " ", readable[slip.start : slip.end]) + readable[slip.end :]
        )
    if slips:
        told = [_sentence(text, slip, label) for slip in sorted(slips)]
        raise ConfigError([*told, *(f"{label}: {one}" for one in duplicates)])
    return value, duplicates


def too_deep(label: str) -> str:
    """The fault of text that is nested too deeply."""
    return f"{label}: objects or lists are nested too deeply; flatten them"


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not a JSON number; write a finite one")


def _slip(text: str, error: json.JSONDecodeError) -> _Slip:
    """What is wrong where the parser stopped."""
    if not text.strip():
        return _Slip(0, "is empty; it must hold the configuration, see config.json.sample")
    at = error.pos
    while at < len(text) and text[at] in _SPACES:
        at += 1
    before = len(text[:at].rstrip(_SPACES)) - 1
    if (comment := _COMMENT.match(text, at)) and not error.msg.startswith(("Unterminated", "Invalid")):
        return _Slip(at, "JSON has no comments; remove it", comment.end())
    comma = at if text[at : at + 1] == "," else before
    closing = text[comma + 1 :].lstrip(_SPACES)[:1]
    # Newer versions of Python stop at the comma, older ones after it.
    if comma >= 0 and text[comma] == "," and closing in ("}", "]") and text[:comma].rstrip(_SPACES)[-1:] not in "{[,:":
        name = "brace" if closing == "}" else "bracket"
        return _Slip(comma, f"a comma stands before the closing {name}; remove it", comma + 1)
    return _Slip(error.pos, _hint(text, at, error.msg))


def _hint(text: str, at: int, message: str) -> str:
    char = text[at : at + 1]
    if message.startswith("Expecting"):
        if char == "'":
            return "there is a single quote; JSON needs double quotes around keys and strings"
        if char in _QUOTES:
            return "there is a typographic quote; JSON needs plain double quotes"
        if char and (char.isspace() or char in "\ufeff\u200b"):
            return "there is a space of a special kind; replace it by a plain one"
        word = re.match(r"[A-Za-z]*", text[at:])
        if word is not None and word[0].lower() in ("true", "false", "none", "null", "yes", "no", "on", "off"):
            return "JSON writes true, false and null, in small letters"
    return _HINTS.get(message, message[:1].lower() + message[1:])


def _number(text: str, message: str) -> _Slip:
    if "JSON" not in message:
        return _Slip(-1, "a number has too many digits; shorten it")
    at = next((match.start(1) for match in _CONSTANT.finditer(text) if match[1]), 0)
    return _Slip(at, message)


def _position(text: str, at: int) -> tuple[int, int]:
    """Line and column, from 1."""
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)


def _sentence(text: str, slip: _Slip, label: str) -> str:
    if slip.start < 0 or not text.strip():
        return f"{label}: {slip.sentence}"
    line, column = _position(text, slip.start)
    lines = text.split("\n")
    left, right = _without_values(lines[line - 1], column - 1)
    if slip.sentence.startswith("JSON has no comments"):
        right = "***"  # a comment may hold what was a value
    above = line - 1
    while not left.strip() and above > 0:
        above -= 1
        left = _without_values(lines[above], len(lines[above]))[0]
    near = f"{printable(left.strip())[-_SIDE:]} >>> {printable(right.strip())[:_SIDE]}".strip()
    return f"{label}: line {line}, column {column}: {slip.sentence}; near: {near}"


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


def _duplicates(text: str) -> Iterator[Fault]:
    """Every key of valid JSON text that appears in its object for the second time or later."""
    frames: list[_Frame] = []
    for match in _TOKENS.finditer(text):
        word, top = match[0], frames[-1] if frames else None
        if word in "{[":
            frames.append(_Frame(is_object=word == "{"))
        elif word in "}]":
            frames.pop()
        elif top is None:
            continue
        elif word == ",":
            top.expects_key = True
            if not top.is_object:
                top.key = int(top.key) + 1
        elif top.is_object and top.expects_key:
            top.key, top.expects_key = str(json.loads(word)), False
            line, column = _position(text, match.start())
            if top.key in top.lines:
                parts: Parts = tuple(frame.key for frame in frames)
                first = top.lines[top.key]
                sentence = f"appears twice, in line {first} and again in line {line}, column {column}; keep one of them"
                yield fault(parts, sentence)
            top.lines.setdefault(top.key, line)
