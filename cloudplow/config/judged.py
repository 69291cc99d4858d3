"""All faults of a configuration: which are warnings, which uploader is left out, and what remains."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cloudplow.config.faults import Fault, Parts
from cloudplow.config.harmless import Without, copied, edit_for, left_out, purged, put, uploader_of, without_uploader
from cloudplow.errors import ConfigError


class Judged:
    """A document while its faults are found; each is judged once, and what is at fault is taken out.

    warnings: sentences for what does not keep an upload from starting. broken: the faults of each uploader that
    cannot upload.
    """

    def __init__(self, document: Mapping[str, Any], plugin_sections: Mapping[str, Without]) -> None:
        """plugin_sections: as for `edit_for`."""
        self._original = document
        self._edited: Any = copied(dict(document))
        self._plugin_sections = plugin_sections
        self._seen: set[Parts] = set()
        #: Faults that an upload cannot go on with, in the order found.
        self._refusing: list[Fault] = []
        #: Those of them that are not of one uploader.
        self._of_all: list[Fault] = []
        self.warnings: list[str] = []
        self.broken: dict[str, list[Fault]] = {}

    def document(self) -> dict[str, Any]:
        """What is left."""
        left: dict[str, Any] = purged(self._edited)
        return left

    def take_out(self, places: Iterable[Parts]) -> None:
        """Take parts out without a word."""
        for parts in places:
            put(self._edited, parts)

    def add(self, fault: Fault) -> bool:
        """Judge a fault; False if its place was at fault before."""
        if fault.parts in self._seen:
            return False
        self._seen.add(fault.parts)
        edit = edit_for(fault, self._original, self._plugin_sections)
        if edit is not None:
            put(self._edited, edit.parts, edit.value)
            self.warnings.append(fault.warning(edit.consequence))
            return True
        self._refuse(fault)
        return True

    def add_duplicate(self, fault: Fault) -> None:
        """Judge a key that appears twice: where it can do no harm, the last one counts."""
        if edit_for(fault, self._original, self._plugin_sections) is not None:
            self.warnings.append(fault.warning("the last one counts"))
        else:
            self._refuse(fault)

    def _refuse(self, fault: Fault) -> None:
        self._refusing.append(fault)
        name = uploader_of(fault, self._original)
        if name is None:
            self._of_all.append(fault)
            return
        self.broken.setdefault(name, []).append(fault)
        self.take_out(without_uploader(fault.parts, name))

    def refuse_if_needed(self) -> None:
        """Raise ConfigError if an upload would be wrong or impossible, else turn what is broken into warnings."""
        if self.broken and not self.document().get("uploader"):
            raise ConfigError(list(dict.fromkeys(map(str, self._refusing))), self.warnings)
        for name, faults in self.broken.items():
            self.warnings += [fault.warning(left_out(name)) for fault in faults]
        if self._of_all:
            raise ConfigError(list(dict.fromkeys(map(str, self._of_all))), self.warnings)
