"""What one section says about another; checked on the raw document, so these faults come together with all others."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from cloudplow.config.engine_flags import REMOTE_CONTROL, Removable, extras_faults, normalise_extras, removable
from cloudplow.config.faults import Fault, Parts, fault, printable

Document = Mapping[str, Any]
_NAMES_SHOWN: Final = 10
#: A remote ("google:", "google,shared_with_me:", ":drive:"), or a local path that says where it begins.
_ROOTED: Final = re.compile(r"[^/:,]*[,:]|/|\.{1,2}(?:/|$)")


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _entries(document: Document, section: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, entry in _object(document.get(section)).items():
        if isinstance(entry, dict):
            yield name, entry


def is_blank(value: object) -> bool:
    """Whether a value counts as missing: null, or a blank string."""
    return value is None or (isinstance(value, str) and not value.strip())


def is_on(value: object) -> bool:
    """Whether a switch is on, however it is written."""
    if isinstance(value, str):
        return value.strip().lower() in {"true", "1", "on", "yes", "t", "y"}
    return value in (True, 1)


def _quoted(names: Collection[str]) -> str:
    texts = [f'"{printable(name[:60])}"' for name in list(names)[:_NAMES_SHOWN]]
    return ", ".join([*texts, "…"] if len(names) > _NAMES_SHOWN else texts) or "none"


def _unknown_remote(name: str, document: Document) -> str:
    return f'{_quoted([name])} is not a name under "remotes" (known: {_quoted(_object(document.get("remotes")))})'


def _uploader_faults(document: Document) -> Iterator[Fault]:
    remotes = _object(document.get("remotes"))
    for name, entry in _entries(document, "uploader"):
        if name not in remotes:
            yield fault(("uploader", name), f"{_unknown_remote(name, document)}; rename it, or add the remote")
        elif isinstance(remotes[name], dict):
            for key, example in (("upload_folder", "/mnt/local/Media"), ("upload_remote", "google:/Media")):
                if is_blank(remotes[name].get(key)):
                    needed = f'is missing, but the uploader of that name needs it; add it, for example "{example}"'
                    yield fault(("remotes", name, key), needed)
            yield from _destination_faults(("remotes", name, "upload_remote"), remotes[name].get("upload_remote"))
        schedule = _object(entry.get("schedule"))
        if is_on(schedule.get("enabled")):
            for key in ("allowed_from", "allowed_until"):
                if is_blank(schedule.get(key)):
                    needed = 'is missing; add it in the form HH:MM, for example "22:30", or set enabled to false'
                    yield fault(("uploader", name, "schedule", key), needed)
        mover = _object(entry.get("mover"))
        if is_on(mover.get("enabled")):
            for key in ("move_from_remote", "move_to_remote"):
                yield from _mover_faults(document, ("uploader", name, "mover", key), mover.get(key))


def _destination_faults(parts: Parts, value: object) -> Iterator[Fault]:
    """A destination without a colon that is no absolute path: rclone would make a folder of that name here."""
    if is_blank(value) or not isinstance(value, str) or _ROOTED.match(value):
        return
    name, slash, rest = value.partition("/")
    guess = f'did you mean "{name}:{rest if slash else ""}"? A local folder needs its whole path'
    yield fault(parts, f"is a folder below the one where cloudplow is started, not a remote; {guess}", value=value)


def _is_path(text: str) -> bool:
    return ":" in text or text.startswith("/")


def _mover_faults(document: Document, parts: tuple[str, ...], value: object) -> Iterator[Fault]:
    if is_blank(value):
        yield fault(parts, 'is missing; add an rclone path, for example "google:Media"')
    elif isinstance(value, str) and not _is_path(value) and value not in _object(document.get("remotes")):
        yield fault(parts, f'{_unknown_remote(value, document)}; use a known name, or a path such as "google:Media"')


def _remote_reference(document: Document, parts: Parts, name: object, key: str) -> Iterator[Fault]:
    if not isinstance(name, str) or not name:
        return
    remotes = _object(document.get("remotes"))
    if not isinstance(remotes.get(name), dict):
        yield fault(parts, f"{_unknown_remote(name, document)}; use a known name, or remove it")
    elif is_blank(remotes[name].get(key)):
        needed = f"is missing, but {parts[0]} needs it; add an rclone path, or remove the name there"
        yield fault(("remotes", name, key), needed, owner=parts)


def _extras_of(document: Document) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any], bool, bool]]:
    """Every `rclone_extras`: its place, its flags, whether the engine uses them, whether a pool of accounts is used."""
    uploaders = _object(document.get("uploader"))
    for name, entry in _entries(document, "remotes"):
        pooled = not is_blank(entry.get("service_account_path"))
        pooled = pooled or not is_blank(_object(uploaders.get(name)).get("service_account_path"))
        yield ("remotes", name), _object(entry.get("rclone_extras")), True, pooled
    for name, entry in _entries(document, "uploader"):
        yield ("uploader", name, "mover"), _object(_object(entry.get("mover")).get("rclone_extras")), False, False
    for name, entry in _entries(document, "syncer"):
        yield ("syncer", name), _object(entry.get("rclone_extras")), False, False


def _flag_faults(document: Document) -> Iterator[Fault]:
    for parts, extras, engine, pooled in _extras_of(document):
        normal, faults = normalise_extras(extras)
        if engine:
            faults += extras_faults(normal, service_accounts=pooled)
        for flag, sentence in faults:
            name = re.split(r"[=\s]", flag.strip(), maxsplit=1)[0]  # without the value, which may be secret
            yield fault((*parts, "rclone_extras", name), sentence)


def without_removable_flags(document: Document) -> tuple[list[Parts], list[Fault]]:
    """The places of flags in `rclone_extras` that can be taken out without changing an upload, and why: one fault each.

    All flags of rclone's remote control together are one fault.
    """
    places: list[Parts] = []
    faults: list[Fault] = []
    for parts, extras, engine, _ in _extras_of(document):
        where = (*parts, "rclone_extras")
        remote_control: list[str] = []
        for key, value in extras.items():
            kind, name, sentence = removable(key, value, engine=engine)
            if kind is Removable.NO:
                continue
            places.append((*where, key))
            if kind is Removable.REMOTE_CONTROL:
                remote_control.append(name)
            elif kind is Removable.OUTPUT:
                faults.append(fault((*where, name), sentence))
        if remote_control:
            names = ", ".join(dict.fromkeys(remote_control))
            faults.append(fault(where, f"{names}: {REMOTE_CONTROL}"))
    return places, faults


def _trigger_faults(document: Document) -> Iterator[Fault]:
    for name, entry in _entries(document, "remotes"):
        for trigger in _object(entry.get("rclone_sleeps")):
            if is_blank(trigger):
                parts = ("remotes", name, "rclone_sleeps", trigger)
                yield fault(parts, "has no text to look for, and would match every line; write one, or remove it")


def _service_faults(document: Document) -> Iterator[Fault]:
    needed = {"plex": ("url", "token"), "nzbget": ("url",), "sabnzbd": ("url", "apikey")}
    for section, keys in needed.items():
        values = _object(document.get(section))
        if is_on(values.get("enabled")):
            for key in keys:
                if is_blank(values.get(key)):
                    yield fault((section, key), f"is missing; add it, or set {section}.enabled to false")


def reference_faults(document: Document) -> list[Fault]:
    """Every fault across sections: unknown remotes, keys that another section needs, flags that the engine owns.

    The models report values of the wrong type.
    """
    faults = [*_uploader_faults(document)]
    for folder, entry in _entries(document, "hidden"):
        names = entry.get("hidden_remotes")
        for index, name in enumerate(names if isinstance(names, list) else []):
            faults += _remote_reference(document, ("hidden", folder, "hidden_remotes", index), name, "hidden_remote")
    for syncer, entry in _entries(document, "syncer"):
        for key in ("sync_from", "sync_to"):
            faults += _remote_reference(document, ("syncer", syncer, key), entry.get(key), "sync_remote")
    faults += _trigger_faults(document)
    faults += _flag_faults(document)
    faults += _service_faults(document)
    return faults
