"""Which hashes a destination keeps of what it stores: rclone compares them after each file that it moves. Pure.

Without any, rclone cannot tell that the file which it is about to remove is not the one that it sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cloudplow.rclone.remote_paths import RemotePath, Settings, join_path, split_path, words
from cloudplow.rclone.remotes import Dump

_NONE: Final[frozenset[str]] = frozenset()
_ALL: Final = frozenset({"md5", "sha1", "quickxor", "dropbox"})
#: What each backend keeps of every file, in each supported version; none of those that are not named. swift keeps none
#: of large files, compress that of what it was given, crypt that of what it made. Source: https://rclone.org/overview/
_KEPT: Final[Mapping[str, frozenset[str]]] = {
    "local": _ALL,
    "drive": frozenset({"md5"}),
    "s3": frozenset({"md5"}),
    "b2": frozenset({"sha1"}),
    "onedrive": frozenset({"quickxor"}),
    "dropbox": frozenset({"dropbox"}),
    "box": frozenset({"sha1"}),
    "azureblob": frozenset({"md5"}),
    "google cloud storage": frozenset({"md5"}),
    "pcloud": frozenset({"sha1"}),
}
#: Options with which a backend keeps none, at least of some files, unless they have the value that follows.
_SPOILING: Final = (
    ("disable_checksum", "false"),
    ("hash_type", "auto"),
    ("server_side_encryption", "AES256"),
    ("sse_customer_algorithm", ""),
    ("decompress", "false"),
)
_THROUGH: Final = frozenset({"alias", "hasher"})
_MODES: Final = (":nc", ":ro", ":writeback")
#: With this flag rclone compares no hashes at all.
IGNORE_CHECKSUM: Final = "--ignore-checksum"


def keeps_hashes(
    path: str, dump: Dump, *, flags: Mapping[str, Any] | None = None, environ: Mapping[str, str] | None = None
) -> bool:
    """Whether rclone can compare the hash of every file at that path with the one at the source. If in doubt, not.

    dump: the document of `rclone config dump`. flags, environ: of the call that uploads; they may change options.
    """
    return bool(_kept(path, Settings(dump, flags or {}, environ or {}), _NONE))


def _kept(path: str, settings: Settings, seen: frozenset[str]) -> frozenset[str]:
    parts = split_path(path)
    if parts is None:
        return _NONE if path.startswith(":") else _ALL  # an on-the-fly remote, or a local path
    if parts.name in seen:
        return _NONE
    seen |= {parts.name}
    kind = settings.kind(parts.name)
    if kind in _THROUGH:
        return _below(parts, settings, seen)
    match kind:
        case "chunker":
            return _of_chunker(parts, settings, seen)
        case "union" | "combine":
            return _of_all(parts, settings, seen, combine=kind == "combine")
    return _NONE if _is_spoilt(parts, settings) else _KEPT.get(kind, _NONE)


def _is_spoilt(parts: RemotePath, settings: Settings) -> bool:
    return any(settings.option(parts, option, harmless).lower() != harmless.lower() for option, harmless in _SPOILING)


def _below(parts: RemotePath, settings: Settings, seen: frozenset[str]) -> frozenset[str]:
    wrapped = settings.option(parts, "remote")
    return _kept(join_path(wrapped, parts.root), settings, seen) if wrapped else _NONE


def _of_chunker(parts: RemotePath, settings: Settings, seen: frozenset[str]) -> frozenset[str]:
    """The one that it notes for large files, if what lies below has the same of small ones."""
    if settings.option(parts, "meta_format", "simplejson") == "none":
        return _NONE
    noted = settings.option(parts, "hash_type", "md5").removesuffix("quick").removesuffix("all")
    return _below(parts, settings, seen) & {noted}


def _of_all(parts: RemotePath, settings: Settings, seen: frozenset[str], *, combine: bool) -> frozenset[str]:
    """What all the remotes below keep, those that are not written to as well: rclone asks for nothing else."""
    upstreams = words(settings.option(parts, "upstreams") or settings.option(parts, "remotes"))
    common = _ALL if upstreams else _NONE
    for word in upstreams:
        way = word.partition("=")[2] if combine else word
        for mode in _MODES:
            way = way.removesuffix(mode)
        common &= _kept(way, settings, seen)
    # Of onedrive, rclone 1.60 has two kinds with different hashes.
    return common - {"quickxor"} if len(upstreams) > 1 else common
