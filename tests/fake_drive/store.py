"""The files and folders of a fake Drive: names, sizes and md5 sums, not content."""

from __future__ import annotations

import itertools
import posixpath
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from .query import FOLDER, Condition

MY_DRIVE: Final = "root"


@dataclass(slots=True)
class Entry:
    """A file or a folder.

    number: the order of creation. size: bytes, 0 for a folder. created, modified: RFC 3339, as on the wire.
    account: who uploaded the content. content: only when the Drive was told to keep it.
    """

    number: int
    id: str
    name: str
    parent: str
    mime: str
    created: str
    modified: str
    size: int = 0
    md5: str = ""
    account: str = ""
    trashed: bool = False
    content: bytes | None = None

    @property
    def is_folder(self) -> bool:
        """Whether it can hold others."""
        return self.mime == FOLDER


class Store:
    """Every entry of every drive. `roots` are the ids that exist from the start: My Drive, shared drives."""

    def __init__(self, drives: dict[str, str]) -> None:
        self.drives = drives
        self.roots = {MY_DRIVE, *drives}
        self._numbers = itertools.count(1)
        self._entries: dict[str, Entry] = {}
        self._children: dict[str, dict[str, list[Entry]]] = {}  # folder -> name -> entries

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, name: str, parent: str, mime: str, created: str, modified: str) -> Entry:
        """A new, empty entry."""
        number = next(self._numbers)
        entry = Entry(number, f"1fake{number:028d}", name, parent, mime, created, modified)
        self._entries[entry.id] = entry
        self._link(entry)
        return entry

    def get(self, entry_id: str) -> Entry | None:
        """The entry with this id."""
        return self._entries.get(entry_id)

    def is_folder(self, entry_id: str) -> bool:
        """Whether others can be put below this id."""
        entry = self._entries.get(entry_id)
        return entry_id in self.roots or (entry is not None and entry.is_folder)

    def move(self, entry: Entry, name: str, parent: str) -> None:
        """Rename the entry, put it into another folder, or both."""
        self._unlink(entry)
        entry.name, entry.parent = name, parent
        self._link(entry)

    def remove(self, entry: Entry) -> None:
        """Delete it for good, with everything below it."""
        for child in list(self.children(entry.id)):
            self.remove(child)
        self._children.pop(entry.id, None)
        self._unlink(entry)
        del self._entries[entry.id]

    def empty_trash(self) -> None:
        """Delete whatever is in the trash."""
        for entry in [entry for entry in self._entries.values() if entry.trashed]:
            if entry.id in self._entries:
                self.remove(entry)

    def children(self, folder: str) -> Iterator[Entry]:
        """What lies directly in a folder."""
        for entries in self._children.get(folder, {}).values():
            yield from entries

    def search(self, condition: Condition) -> list[Entry]:
        """Every match, in the order of creation. Folders and names are looked up, not searched for."""
        return sorted(filter(condition.matches, self._candidates(condition)), key=lambda entry: entry.number)

    def _candidates(self, condition: Condition) -> Iterable[Entry]:
        parents, names = condition.parents(), condition.names()
        if parents is None:
            return self._entries.values()
        if names is None:
            return (entry for parent in parents for entry in self.children(parent))
        folders = [self._children.get(parent, {}) for parent in parents]
        return (entry for folder in folders for name in names for entry in folder.get(name, ()))

    def walk(self, root: str) -> Iterator[tuple[str, Entry]]:
        """Path and entry of everything below `root` that is not in the trash; folders come before what they hold."""
        pending = [("", root)]
        while pending:
            above, folder = pending.pop()
            for entry in self.children(folder):
                if not entry.trashed:
                    path = posixpath.join(above, entry.name)
                    yield path, entry
                    if entry.is_folder:
                        pending.append((path, entry.id))

    def duplicates(self) -> list[str]:
        """Paths of live entries that share name and folder with another one (Drive allows it, rclone does not)."""
        found = []
        for root in sorted(self.roots):
            seen: set[tuple[str, str]] = set()
            for path, entry in self.walk(root):
                place = (entry.parent, entry.name)
                if place in seen:
                    found.append(path)
                seen.add(place)
        return found

    def drive_of(self, entry: Entry) -> str:
        """The root that it lies below; "" when its folder is gone."""
        parent = entry.parent
        while parent not in self.roots:
            above = self._entries.get(parent)
            if above is None:
                return ""
            parent = above.parent
        return parent

    def _link(self, entry: Entry) -> None:
        self._children.setdefault(entry.parent, {}).setdefault(entry.name, []).append(entry)

    def _unlink(self, entry: Entry) -> None:
        names = self._children[entry.parent]
        names[entry.name].remove(entry)
        if not names[entry.name]:
            del names[entry.name]
