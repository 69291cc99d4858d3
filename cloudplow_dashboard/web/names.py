"""Shorter names for the page's joined script. Pure.

No parser is needed, because a name is changed everywhere or not at all: `total` may become `b` wherever it stands if it
is nothing but a variable, in every place. A name that is also a property, a key, a shorthand or a method somewhere
(`{ total }`, `view.total`) stays as it is, and so does one that the browser knows.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from itertools import product
from typing import Final

#: Names of a browser's window that the page also uses for its own variables. A test in a browser looks for others.
BROWSER: Final = frozenset({"document", "event", "history", "name", "open", "parent", "scroll", "status", "top"})
#: What no variable may be called.
RESERVED: Final = frozenset(
    {
        "arguments",
        "as",
        "async",
        "await",
        "break",
        "case",
        "catch",
        "class",
        "const",
        "continue",
        "debugger",
        "default",
        "delete",
        "do",
        "else",
        "enum",
        "eval",
        "export",
        "extends",
        "false",
        "finally",
        "for",
        "from",
        "function",
        "get",
        "if",
        "implements",
        "import",
        "in",
        "instanceof",
        "interface",
        "let",
        "new",
        "null",
        "of",
        "package",
        "private",
        "protected",
        "public",
        "return",
        "set",
        "static",
        "super",
        "switch",
        "this",
        "throw",
        "true",
        "try",
        "typeof",
        "undefined",
        "var",
        "void",
        "while",
        "with",
        "yield",
    }
)

#: A string, a template, a regular expression (where a value may stand), or code.
_PIECE: Final = re.compile(
    r'"(?:[^"\\\n]|\\.)*"|`[^`]*`|(?:(?<=[(\[{},;:=!&|?>])|(?<=[(,=:] )|(?<=\breturn )|^)'
    r'/(?![/*])(?:[^/\\\n\[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/\w*|[^"`/]+|/',
    re.MULTILINE,
)
#: Code in a template, which may hold one pair of braces.
_INSERTED: Final = re.compile(r"\$\{((?:[^{}]|\{[^{}]*\})*)\}")
#: What takes the place of a string, a template or a regular expression, and of the braces around code in a template.
_STANDS_FOR: Final = {'"': '""', "`": '""', "/": '""', "$": "(", "}": ")"}
_TOKEN: Final = re.compile(r"[A-Za-z_$][\w$]*|\.\.\.|=>|[\d.]*\d[\w.]*|\S")
_NAME: Final = re.compile(r"(?<![\w$])[A-Za-z_$][\w$]*")
_WORD: Final = re.compile(r"[A-Za-z_$]")
_DECLARED: Final = (
    re.compile(r"\b(?:const|let|function) ([\w$]+)"),
    re.compile(r"\b(?:const|let) ?\[([^\]]*)\]"),
    re.compile(r"(?<!\bif)(?<!\bfor)(?<!\bwhile)(?<!\bswitch)(?<! )\(([^()]*)\) ?(?:=>|\{)"),
    re.compile(r"([\w$]+) ?=>"),
)
_BEFORE_KEYS: Final = frozenset({"{", ",", ";", "}", "get", "set", "async", "static"})
_AFTER_KEYS: Final = frozenset({",", "}", ":", "="})


def shorter_names(script: str) -> str:
    """The same script with one or two letters for each variable whose name is nothing else."""
    return renamed(script, shorter(script))


def shorter(script: str, keep: Collection[str] = ()) -> dict[str, str]:
    """A name of one or two letters for each variable whose name is nothing else; keep: what stays as it is."""
    counts = {name: count for name, count in variables(script).items() if len(name) > 1 and name not in keep}
    taken = {name for is_code, piece in _pieces(script) if is_code for name in _NAME.findall(piece)}
    free = _short(taken)
    return {name: next(free) for name, _ in sorted(counts.items(), key=lambda one: (-one[1], one[0]))}


def renamed(script: str, names: Mapping[str, str]) -> str:
    """Call variables by their new names; strings stay as they are."""
    return "".join(
        _NAME.sub(lambda found: names.get(found[0], found[0]), piece) if is_code else piece
        for is_code, piece in _pieces(script)
    )


def variables(script: str) -> dict[str, int]:
    """How often each name is there that is declared in this script and is nothing but a variable in all of it."""
    code = "".join(piece if is_code else _STANDS_FOR.get(piece[0], "") for is_code, piece in _pieces(script))
    declared = {name for kind in _DECLARED for text in kind.findall(code) for name in _NAME.findall(text)}
    tokens = _TOKEN.findall(code)
    counts = Counter(token for token in tokens if token in declared)
    stays = _properties(tokens) | BROWSER | RESERVED
    return {name: count for name, count in counts.items() if name not in stays}


def _pieces(script: str) -> Iterator[tuple[bool, str]]:
    """The script in pieces: whether it is code, and the piece."""
    for found in _PIECE.finditer(script):
        piece = found[0]
        if piece[0] != "`":
            yield piece[0] != '"' and (piece[0] != "/" or piece == "/"), piece
            continue
        parts = _INSERTED.split(piece)
        for place, part in enumerate(parts):
            if place % 2:
                yield False, "${"
                yield from _pieces(part)
                yield False, "}"
            elif part:
                yield False, part


def _properties(tokens: list[str]) -> set[str]:
    """Names that stand for a property anywhere: after a dot, or as a key, shorthand or method between braces."""
    found = set()
    brackets: list[str] = []
    padded = [";", ";", *tokens, ";"]
    for place, sign in enumerate(padded[2:-1], 2):
        before, after = padded[place - 1], padded[place + 1]
        if sign in {"(", "[", "{"}:
            brackets.append(sign)
        elif sign in {")", "]", "}"}:
            brackets.pop()
        elif _WORD.match(sign):
            begins = brackets[-1:] == ["{"] and before in _BEFORE_KEYS
            is_key = begins and (after in _AFTER_KEYS or (after == "(" and _is_method(padded, place + 1)))
            if is_key or before == ".":
                found.add(sign)
    return found


def _is_method(tokens: list[str], place: int) -> bool:
    """Whether the parentheses that open at this place are followed by a body."""
    depth = 0
    for at in range(place, len(tokens) - 1):
        depth += (tokens[at] == "(") - (tokens[at] == ")")
        if not depth:
            return tokens[at + 1] == "{"
    return False


def _short(taken: Collection[str]) -> Iterator[str]:
    for length in (1, 2, 3):
        for letters in product(string.ascii_letters, repeat=length):
            name = "".join(letters)
            if name not in taken and name not in RESERVED:
                yield name
