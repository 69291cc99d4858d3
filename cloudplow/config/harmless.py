"""What a fault comes to: a warning if only a feature beside the upload suffers, else a fault of an uploader or of all.

A warning says what is not done now; the part that is at fault is taken out, so that the rest can be used.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from cloudplow.config.faults import Fault, Parts, place, printable
from cloudplow.config.references import is_blank, is_on

#: Stands for a part that is taken out; lists keep their indices until all parts are.
_GONE: Final = object()

#: Features of their own section: what is not done when the section is at fault.
_SECTIONS: Final[Mapping[str, str]] = {
    "plex": "Plex is not watched",
    "nzbget": "NZBGet is not paused during uploads",
    "sabnzbd": "SABnzbd is not paused during uploads",
}
#: Sections of named entries: what is not done when one entry is at fault, and when all are.
_ENTRIES: Final[Mapping[str, tuple[str, str]]] = {
    "syncer": ("the syncer {name} does not run", "no syncer runs"),
    "hidden": ("hidden files below {name} are not cleaned up", "no hidden files are cleaned up"),
}
#: Keys of an uploader that have a safe default.
_UPLOADER_KEYS: Final[Mapping[str, str]] = {
    "check_interval": "the default of 30 minutes is used",
    "max_size_gb": "the default of 200 is used",
    "size_excludes": "every file counts when the folder is measured",
    "can_be_throttled": "it may be slowed down while people stream",
    "exclude_open_files": "open files are left for later",
    "opened_excludes": "every open file is left for later",
    "mover": "nothing is moved on after an upload",
}
#: Keys of a remote that only other features read, or that have a safe default.
_REMOTE_KEYS: Final[Mapping[str, str]] = {
    "hidden_remote": "no hidden files are cleaned up there",
    "sync_remote": "no syncer can use it",
    "remove_empty_dir_depth": "empty folders stay",
}
_NEVER: Final = {"enabled": True, "never": True}
#: Sections of built-in plugins, which say themselves what is not done without them.
_OF_BUILT_IN: Final = frozenset({"notifications"})
_NO_START: Final = "a scheduler never starts this uploader (cloudplow upload does)"


class Without(NamedTuple):
    """What is not done without the section of a plugin, and without one of its entries (with "{name}"; "" if it has
    none).
    """

    section: str
    entry: str = ""


class Edit(NamedTuple):
    """How to go on: the part to take out or to replace, and what is not done then."""

    parts: Parts
    consequence: str
    value: object = _GONE


def is_beside_uploads(section: str) -> bool:
    """Whether a section is that of a feature without which uploads are the same."""
    return section in _SECTIONS or section in _ENTRIES or section in _OF_BUILT_IN


def is_uploader(document: Mapping[str, Any], name: object) -> bool:
    """Whether an uploader has this name."""
    uploaders = document.get("uploader")
    return isinstance(uploaders, dict) and name in uploaders


def edit_for(fault: Fault, document: Mapping[str, Any], plugin_sections: Mapping[str, Without]) -> Edit | None:
    """How to go on in spite of a fault; None if an upload would be wrong or impossible.

    plugin_sections: those that can be done without.
    """
    parts = fault.owner or fault.parts
    section = parts[0] if parts else ""
    if not isinstance(section, str):
        return None
    if section in plugin_sections:
        without = plugin_sections[section]
        if without.entry and len(parts) > 1:
            return Edit(parts[:2], without.entry.format(name=place((parts[1],))))
        return Edit((section,), without.section)
    if section in _SECTIONS:
        return Edit((section,), _SECTIONS[section])
    if section in _ENTRIES:
        return _entry(section, parts)
    if section == "uploader" and len(parts) > 2:
        return _uploader(parts, document)
    if section == "remotes" and len(parts) > 1:
        return _remote(parts, document)
    return None


def _entry(section: str, parts: Parts) -> Edit:
    one, all_of_them = _ENTRIES[section]
    if len(parts) == 1:
        return Edit(parts, all_of_them)
    consequence = one.format(name=place((parts[1],)))
    if section == "hidden" and len(parts) == 4:
        return Edit(parts, f"{consequence} there")
    return Edit(parts[:2], consequence)


def _uploader(parts: Parts, document: Mapping[str, Any]) -> Edit | None:
    key = parts[2]
    if key in _UPLOADER_KEYS:
        return Edit(parts[:3], _UPLOADER_KEYS[str(key)])
    if key != "schedule":
        return None
    if len(parts) == 3 or parts[3] == "enabled":
        # Whether hours are to be kept is not known, so nothing may start by itself.
        return Edit(parts[:3], _NO_START, _NEVER)
    schedule = document["uploader"][parts[1]]["schedule"]
    off = not isinstance(schedule, dict) or not is_on(schedule.get("enabled"))
    return Edit(parts[:4], "it is not used (the schedule is off)") if off else Edit(parts[:3], _NO_START, _NEVER)


def _remote(parts: Parts, document: Mapping[str, Any]) -> Edit | None:
    if not is_uploader(document, parts[1]):
        return Edit(parts[:3], "it is ignored (no uploader uses this remote)")
    if len(parts) > 2 and parts[2] in _REMOTE_KEYS:
        return Edit(parts[:3], _REMOTE_KEYS[str(parts[2])])
    if len(parts) >= 4 and parts[2] == "rclone_sleeps":
        trigger = document["remotes"][parts[1]]["rclone_sleeps"][parts[3]]
        number = trigger.get(parts[4]) if len(parts) > 4 and isinstance(trigger, dict) else trigger
        if is_blank(parts[3]) or is_blank(number):
            return Edit(parts[:4], "this text is not watched for (denials by Google are)")
    return None


def uploader_of(fault: Fault, document: Mapping[str, Any]) -> str | None:
    """The uploader that cannot upload because of a fault; None if the fault is of the whole configuration."""
    parts = fault.parts
    if len(parts) > 1 and parts[0] in ("uploader", "remotes") and is_uploader(document, parts[1]):
        return str(parts[1])
    return None


def left_out(name: str) -> str:
    """What a fault of one uploader among several comes to."""
    return f'the uploader "{printable(name[:60])}" is left out, and the others go on'


def without_uploader(parts: Parts, name: str) -> list[Parts]:
    """What to take out so that an uploader with a fault at `parts` is left out and its remote stays usable."""
    return [("uploader", name), *([parts[:3]] if parts[0] == "remotes" else [])]


def copied(value: Any) -> Any:
    """A copy of a document that can be changed."""
    if isinstance(value, dict):
        return {key: copied(inner) for key, inner in value.items()}
    return [copied(inner) for inner in value] if isinstance(value, list) else value


def put(document: Any, parts: Parts, value: object = _GONE) -> bool:
    """Take out or replace one part of a document. False if it is not there (any more)."""
    holder = document
    try:
        for part in parts[:-1]:
            holder = holder[part]
        if not isinstance(holder, dict | list) or holder[parts[-1]] is _GONE:  # type: ignore[index]
            return False
        holder[parts[-1]] = value  # type: ignore[index]
    except (KeyError, IndexError, TypeError):
        return False
    return True


def purged(value: Any) -> Any:
    """The document without the parts that were taken out."""
    if isinstance(value, dict):
        return {key: purged(inner) for key, inner in value.items() if inner is not _GONE}
    return [purged(inner) for inner in value if inner is not _GONE] if isinstance(value, list) else value
