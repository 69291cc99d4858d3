"""The search language of files.list: `'ID' in parents and name = 'it\\'s' and (trashed = false or not starred)`.

Source: https://developers.google.com/drive/api/guides/search-files ; only the fields that rclone asks for are known.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Protocol

FOLDER: Final = "application/vnd.google-apps.folder"

_TOKEN = re.compile(
    r"""\s*(?: '(?P<text>(?:[^'\\]|\\.)*)' | (?P<operator>!=|<=|>=|=|<|>) | (?P<paren>[()]) | (?P<word>[\w.]+) )""",
    re.VERBOSE | re.DOTALL,
)
_COMPARISONS: Final[dict[str, Callable[[str, str], bool]]] = {
    "=": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
    "<": lambda left, right: left < right,
    ">": lambda left, right: left > right,
    "<=": lambda left, right: left <= right,
    ">=": lambda left, right: left >= right,
    "contains": lambda left, right: left.lower().startswith(right.lower()),
}


class Searchable(Protocol):
    """What a condition looks at."""

    @property
    def name(self) -> str: ...
    @property
    def parent(self) -> str: ...
    @property
    def mime(self) -> str: ...
    @property
    def trashed(self) -> bool: ...
    @property
    def modified(self) -> str: ...
    @property
    def created(self) -> str: ...


class Condition(Protocol):
    """A parsed condition."""

    def matches(self, entry: Searchable) -> bool:
        """Whether the entry fulfils it."""
        ...

    def parents(self) -> frozenset[str] | None:
        """The only folders in which a match can be; None when it can be anywhere."""
        ...

    def names(self) -> frozenset[str] | None:
        """The only names that a match can have; None when it can have any."""
        ...


@dataclass(frozen=True, slots=True)
class Comparison:
    """`field operator 'value'`, or `'value' in parents` (then the field is "parents")."""

    field: str
    operator: str
    value: str

    def matches(self, entry: Searchable) -> bool:
        return _COMPARISONS[self.operator](_VALUES[self.field](entry), self.value)

    def parents(self) -> frozenset[str] | None:
        return frozenset((self.value,)) if self.field == "parents" and self.operator == "=" else None

    def names(self) -> frozenset[str] | None:
        return frozenset((self.value,)) if self.field == "name" and self.operator == "=" else None


@dataclass(frozen=True, slots=True)
class Not:
    """`not part`."""

    part: Condition

    def matches(self, entry: Searchable) -> bool:
        return not self.part.matches(entry)

    def parents(self) -> frozenset[str] | None:
        return None

    def names(self) -> frozenset[str] | None:
        return None


@dataclass(frozen=True, slots=True)
class AllOf:
    """`part and part and ...`."""

    parts: tuple[Condition, ...]

    def matches(self, entry: Searchable) -> bool:
        return all(part.matches(entry) for part in self.parts)

    def parents(self) -> frozenset[str] | None:
        return _common(part.parents() for part in self.parts)

    def names(self) -> frozenset[str] | None:
        return _common(part.names() for part in self.parts)


@dataclass(frozen=True, slots=True)
class AnyOf:
    """`part or part or ...`."""

    parts: tuple[Condition, ...]

    def matches(self, entry: Searchable) -> bool:
        return any(part.matches(entry) for part in self.parts)

    def parents(self) -> frozenset[str] | None:
        return _joined([part.parents() for part in self.parts])

    def names(self) -> frozenset[str] | None:
        return _joined([part.names() for part in self.parts])


def parse_query(text: str) -> Condition:
    """Parse a `q=` parameter; an empty one matches everything. Raises ValueError when it is not understood."""
    if not text.strip():
        return AllOf(())
    parser = _Parser(text)
    condition = parser.alternatives()
    if parser.kind != "end":
        raise ValueError(f"unexpected {parser.value!r} in {text!r}")
    return condition


class _Parser:
    """Recursive descent; `kind` and `value` are the token that comes next."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0
        self.kind = self.value = ""
        self._advance()

    def alternatives(self) -> Condition:
        parts = [self._conjunction()]
        while self._skip_word("or"):
            parts.append(self._conjunction())
        return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))

    def _conjunction(self) -> Condition:
        parts = [self._single()]
        while self._skip_word("and"):
            parts.append(self._single())
        return parts[0] if len(parts) == 1 else AllOf(tuple(parts))

    def _single(self) -> Condition:
        if self._skip_word("not"):
            return Not(self._single())
        if (self.kind, self.value) == ("paren", "("):
            self._advance()
            inner = self.alternatives()
            self._expect("paren", ")")
            return inner
        if self.kind == "text":
            value = self._take()
            self._expect("word", "in")
            self._expect("word", "parents")
            return Comparison("parents", "=", value)
        return self._comparison()

    def _comparison(self) -> Condition:
        field = self._take()
        operator = self._take()
        value = self._take()
        if field not in _VALUES or operator not in _COMPARISONS:
            raise ValueError(f"unknown condition {field} {operator} in {self._text!r}")
        return Comparison(field, operator, value)

    def _skip_word(self, word: str) -> bool:
        if self.kind == "word" and self.value.lower() == word:
            self._advance()
            return True
        return False

    def _expect(self, kind: str, value: str) -> None:
        if (self.kind, self.value) != (kind, value):
            raise ValueError(f"{value!r} expected, not {self.value!r}, in {self._text!r}")
        self._advance()

    def _take(self) -> str:
        value = self.value
        self._advance()
        return value

    def _advance(self) -> None:
        match = _TOKEN.match(self._text, self._position)
        if match is None:
            rest = self._text[self._position :].strip()
            self.kind, self.value = ("unreadable", rest) if rest else ("end", "")
            return
        self._position = match.end()
        self.kind = str(match.lastgroup)
        self.value = match[self.kind]
        if self.kind == "text":
            self.value = re.sub(r"\\(.)", r"\1", self.value, flags=re.DOTALL)


def _common(sets: Iterable[frozenset[str] | None]) -> frozenset[str] | None:
    result: frozenset[str] | None = None
    for one in sets:
        if one is not None:
            result = one if result is None else result & one
    return result


def _joined(sets: list[frozenset[str] | None]) -> frozenset[str] | None:
    known = [one for one in sets if one is not None]
    return frozenset().union(*known) if len(known) == len(sets) else None


# A service account owns nothing that others shared with it, and stars nothing.
_VALUES: Final[dict[str, Callable[[Searchable], str]]] = {
    "parents": lambda entry: entry.parent,
    "name": lambda entry: entry.name,
    "mimeType": lambda entry: entry.mime,
    "trashed": lambda entry: str(entry.trashed).lower(),
    "modifiedTime": lambda entry: entry.modified,
    "createdTime": lambda entry: entry.created,
    "sharedWithMe": lambda entry: "false",
    "starred": lambda entry: "false",
}
