"""The page's own modules and styles as a few small files, made in memory when they are first asked for.

What is written below `static/js` and `static/css` stays as it is, and nobody has to build anything. A browser would
need forty requests for it, and twice the bytes: each file is compressed by itself, with its comments and types.
The history is a file of its own, which a browser asks for when somebody comes to see it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Final

from cloudplow_dashboard.web.names import renamed, shorter, variables

STATIC: Final = Path(__file__).parents[1] / "static"
ENTRY: Final = "main.js"
#: What `main.js` asks for later, by `import()`.
LATER: Final = "render/history.js"
#: In the order in which they override each other.
STYLES: Final = ("tokens.css", "base.css", "panels.css", "overview.css", "narrow.css")

_IMPORT: Final = re.compile(r'^import (?:\* as (\w+)|\{([^}]*)\}) from "([^"]+)";\n', re.MULTILINE)
_EXPORT: Final = re.compile(r"^export (async function|function|const) (\w+)", re.MULTILINE)
#: What a module without indentation keeps to itself, or exports.
_TOP: Final = re.compile(r"^(?:async function|function|const|let) (\w+)", re.MULTILINE)
_LEFT_OVER: Final = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)
#: A comment of a whole line; JSDoc anywhere; margins and empty lines; a break after a sign that never ends a statement.
_COMMENT: Final = re.compile(
    r"^[ \t]*(?://.*|/\*(?:[^*]|\*(?!/))*\*/)[ \t]*\n|/\*\*(?:[^*]|\*(?!/))*\*/ ?", re.MULTILINE
)
_MARGIN: Final = re.compile(r"^\s+", re.MULTILINE)
_BREAK: Final = re.compile(r"([{,;(\[])\n")
#: Blanks beside signs that part words by themselves (+, - and / only between words: not in "a + +b"), and what may hold
#: a blank that counts: strings, of a script also templates and whole lines with a slash where a regular expression may
#: begin.
_SCRIPT_BLANKS: Final = re.compile(r" ?([{}()\[\]=,:;?<>*&|!]+) ?|(?<=[\w)\]]) ([-+/]=?) (?=[\w(\[])")
_SCRIPT_KEPT: Final = re.compile(
    r'(^(?:.*(?:[(\[{},;:=<>!&|?]|\breturn) ?)?/.*$|"(?:[^"\\\n]|\\.)*"|`[^`]*`)', re.MULTILINE
)
_STYLE_BLANKS: Final = re.compile(r" ?([{},;>]) ?|(?<=:) ")
_STYLE_KEPT: Final = re.compile(r'("[^"\n]*")')


def join_modules(entry: str, read: Callable[[str], str], *later: str) -> str:
    """One script that does what the module `entry` does with all that it imports. later: modules to put at the end.

    read: gives a module's text by its path from the common root. The modules follow each other in the order of the
    imports. What a module keeps to itself gets a number when another one has that name, too. What is imported as a
    whole (`* as format`) becomes one object of that name. What is exported is called the same everywhere, so these
    names must be unique.
    Raises ValueError when they are not, for an import or export in any other form than `import {a} from "./b.js";`,
    `import * as b from "./b.js";`, `export function` and `export const`, and for modules that import each other.
    """
    modules = _Modules(read)
    for path in (entry, *later):
        modules.add(path)
    return "".join(_joined(modules).values())


def join_apart(entry: str, later: str, read: Callable[[str], str]) -> tuple[str, str]:
    """Two modules: what `entry` needs, and what only `later` needs, which takes the rest from the first.

    Their names are short, and the same in both. Raises ValueError as `join_modules`.
    """
    modules = _Modules(read).add(entry)
    first = list(modules.texts)
    shared = modules.taken_by(later, first)
    parts = _joined(modules.add(later))
    given = [name for _, name in _EXPORT.findall(modules.texts[later])]
    names = shorter("".join(parts.values()), keep=given)
    scripts = [
        renamed("".join(text for path, text in parts.items() if (path in first) == of_first), names)
        for of_first in (True, False)
    ]
    crossing = ",".join(sorted(names.get(name, name) for name in shared))
    page = f"{'../' * later.count('/') or './'}page.js"
    return (
        f"{scripts[0]}export{{{crossing}}};\n",
        f'import{{{crossing}}}from"{page}";\n{scripts[1]}export{{{",".join(given)}}};\n',
    )


class _Modules:
    """The texts of modules without their imports, each after those that it imports.

    wholes: by path the name of a whole module, "" for none.
    """

    def __init__(self, read: Callable[[str], str]) -> None:
        self.texts: dict[str, str] = {}
        self.wholes: dict[str, str] = {}
        self._read = read
        self._open: list[str] = []

    def add(self, path: str) -> _Modules:
        """Add a module with all that it imports."""
        if path in self._open:
            raise ValueError(f"{' -> '.join([*self._open, path])}: modules import each other")
        if path in self.texts:
            return self
        self._open.append(path)
        text = self._read(path)
        for name, _, reference in _IMPORT.findall(text):
            other = _beside(path, reference)
            if self.wholes.setdefault(other, name) != name:
                raise ValueError(f"{path}: imports {other} in another way than the modules before")
            self.add(other)
        self._open.pop()
        self.texts[path] = _IMPORT.sub("", text)
        return self

    def taken_by(self, path: str, others: Collection[str]) -> set[str]:
        """The names that a module, and what it imports beside the others, take from the others."""
        taken: set[str] = set()
        for whole, names, reference in _IMPORT.findall(self._read(path)):
            other = _beside(path, reference)
            if other in others:
                taken |= {whole} if whole else {name.strip() for name in names.split(",") if name.strip()}
            else:
                taken |= self.taken_by(other, others)
        return taken


def _joined(modules: _Modules) -> dict[str, str]:
    """The modules by path, lighter, each name in all of them used for one thing only."""
    owners: dict[str, str] = {}
    texts, wholes = modules.texts, modules.wholes
    plain = {path: _EXPORT.sub(r"\1 \2", text) for path, text in texts.items()}
    exports: dict[str, list[str]] = {}
    for path, text in texts.items():
        exports[path] = [name for _, name in _EXPORT.findall(text)]
        if strange := _LEFT_OVER.search(plain[path]):
            raise ValueError(f"{path}: not understood: {strange[0]}")
        whole = wholes.get(path)
        for name in [whole] if whole else exports[path]:
            if owners.setdefault(name, path) != path:
                raise ValueError(f"{path}: exports {name}, as {owners[name]} does")
    parts = {}
    for path, text in plain.items():
        if whole := wholes.get(path):
            text = f"const {whole} = (() => {{\n{text}\nreturn {{ {', '.join(exports[path])} }};\n}})();\n"
            parts[path] = lighter_script(text)
        else:
            parts[path] = _unique(path, text, owners)
    return parts


def _unique(path: str, text: str, owners: dict[str, str]) -> str:
    """The module, lighter, with other names for what it keeps to itself and another one has, too; adds its names."""
    fresh = {}
    for name in _TOP.findall(text):
        if owners.setdefault(name, path) != path:
            fresh[name] = f"{name}{len(owners)}"
            owners[fresh[name]] = path
    text = lighter_script(text)
    if stays := fresh.keys() - variables(text).keys():
        raise ValueError(f"{path}: {', '.join(sorted(stays))}: another module has this name, and here it is a key, too")
    return renamed(text, fresh) if fresh else text


def _beside(path: str, reference: str) -> str:
    """The path of a module that another one refers to ("./x.js", "../x.js")."""
    parts: list[str] = []
    for part in (PurePosixPath(path).parent / reference).parts:
        if part == "..":
            parts.pop()
        else:
            parts.append(part)
    return "/".join(parts)


def lighter_script(text: str) -> str:
    """Leave out what a browser does not need of a script of ours: comments, indentation, blanks.

    Line breaks go only where the next line surely continues. No string or template of ours spans lines, no template
    stands in another, and no comment but a type follows code on its line, which a test sees to.
    """
    return _lighter(text, _SCRIPT_KEPT, _SCRIPT_BLANKS)


def lighter_style(text: str) -> str:
    """The same for a style sheet."""
    return _lighter(text, _STYLE_KEPT, _STYLE_BLANKS).replace("}\n", "}")


def _lighter(text: str, kept: re.Pattern[str], blanks: re.Pattern[str]) -> str:
    parts = kept.split(_MARGIN.sub("", _COMMENT.sub("", text)))
    parts[::2] = (blanks.sub(lambda found: found[found.lastindex or 0].strip(), part) for part in parts[::2])
    return _BREAK.sub(r"\1", "".join(parts))


@cache
def _scripts() -> tuple[bytes, bytes]:
    first, later = join_apart(ENTRY, LATER, lambda path: (STATIC / "js" / path).read_text(encoding="utf-8"))
    return first.encode(), later.encode()


def page_script() -> bytes:
    """`static/page.js`: a module with all that the page needs at first."""
    return _scripts()[0]


def later_script() -> bytes:
    """`static/render/history.js`: where `import("./render/history.js")` finds it, seen from `page.js`."""
    return _scripts()[1]


@cache
def page_styles() -> bytes:
    """`static/page.css`: all styles of the page."""
    return lighter_style("\n".join((STATIC / "css" / name).read_text(encoding="utf-8") for name in STYLES)).encode()


#: What is made, by its path below `static/`: the type and the function that makes it.
MADE: Final[dict[str, tuple[str, Callable[[], bytes]]]] = {
    "page.js": ("text/javascript; charset=utf-8", page_script),
    LATER: ("text/javascript; charset=utf-8", later_script),
    "page.css": ("text/css; charset=utf-8", page_styles),
}
