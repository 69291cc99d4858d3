"""What a file that is uploaded to a destination costs: its size on the drives below crypt, chunker, union ... Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from cloudplow.rclone.layers import Chunker, Combine, Compress, Crypt, Layer, Store, Union
from cloudplow.rclone.remote_paths import RemotePath, Settings, join_path, size_bytes, split_path, words
from cloudplow.rclone.remotes import Dump

#: Backends that pass files on as they are.
_THROUGH: Final = frozenset({"alias", "archive", "cache", "hasher"})
_CHUNK_SIZE: Final = "2G"
_CHUNK_NAME: Final = "*.rclone_chunk.###"
#: What `"md5":"..."` and the like take in chunker's metadata, with a comma.
_HASH_BYTES: Final = {"none": 0, "md5": 41, "sha1": 50}
_TRANSACTION_BYTES: Final = len(',"txn":"4mwqhx"')
#: The versions up to which, and from which on, it is known what rclone writes.
_OLD: Final = (1, 60)
_NEW: Final = (1, 75)


class _Reach(NamedTuple):
    """What the layers above have made of the files.

    seen: remotes on the way down. sealed: crypt has encrypted them. hashable: any hash of them is known beforehand.
    """

    seen: frozenset[str] = frozenset()
    sealed: bool = False
    hashable: bool = True


def find_layers(
    path: str,
    dump: Dump,
    *,
    version: str = "",
    flags: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Layer:
    """The layers below an rclone path. Where no drive lies below, files are taken to be stored as they are.

    version: rclone's ("1.75.2"); "" when it is not known, then some layers are not exact. flags, environ: of the call
    that uploads, for options that are not in the configuration.
    """
    builder = _Builder(Settings(dump, flags or {}, environ or {}), _is_old(version))
    return builder.layer(path, _Reach()) if builder.reaches_drive(path, frozenset()) else Store(path)


def _is_old(version: str) -> bool | None:
    try:
        major, minor = (int(part) for part in version.split(".")[:2])
    except ValueError:
        return None
    if (major, minor) <= _OLD:
        return True
    return False if (major, minor) >= _NEW else None


class _Builder:
    """Walks from a path down to the drives."""

    def __init__(self, settings: Settings, old: bool | None) -> None:
        self._settings = settings
        self._old = old

    def layer(self, path: str, reach: _Reach) -> Layer:
        """What a path is; a remote that wraps itself, or one that is not configured, stores nothing."""
        parts = split_path(path)
        if parts is None or parts.name in reach.seen:
            return Store(path, charged=_is_drive(path))
        kind = self._settings.kind(parts.name)
        reach = reach._replace(seen=reach.seen | {parts.name})
        if kind in _THROUGH:
            return self.layer(self._below(parts), reach)
        match kind:
            case "crypt":
                return self._crypt(path, parts, reach)
            case "chunker":
                return self._chunker(path, parts, reach)
            case "compress":
                return self._compress(path, parts, reach)
            case "union":
                return self._union(path, parts, reach)
            case "combine":
                return self._combine(path, parts, reach)
        return Store(path, charged=kind == "drive")

    def reaches_drive(self, path: str, seen: frozenset[str]) -> bool:
        """Whether there is a drive below."""
        parts = split_path(path)
        if parts is None or parts.name in seen:
            return False
        kind = self._settings.kind(parts.name)
        if kind in {"union", "combine"}:
            return any(self.reaches_drive(way, seen | {parts.name}) for way in self._ways(parts).values())
        below = self._below(parts)
        return kind == "drive" or (bool(below) and self.reaches_drive(below, seen | {parts.name}))

    def _below(self, parts: RemotePath) -> str:
        """What a remote wraps, at the same folder."""
        return join_path(self._settings.option(parts, "remote"), parts.root)

    def _crypt(self, path: str, parts: RemotePath, reach: _Reach) -> Layer:
        plain = self._settings.option(parts, "no_data_encryption").lower() == "true"
        below = self.layer(self._below(parts), reach._replace(sealed=reach.sealed or not plain))
        return Crypt(path, below, plain)

    def _compress(self, path: str, parts: RemotePath, reach: _Reach) -> Layer:
        below = self.layer(self._below(parts), reach._replace(sealed=False, hashable=False))
        zstd = self._settings.option(parts, "mode", "gzip") == "zstd"
        return Compress(path, below, zstd, self._old, reach.sealed)

    def _chunker(self, path: str, parts: RemotePath, reach: _Reach) -> Layer:
        option = self._settings.option
        wrapped = self._below(parts)
        hash_type = option(parts, "hash_type", "md5")
        quick = hash_type.endswith("quick")
        hash_bytes = _HASH_BYTES.get(hash_type.removesuffix("quick").removesuffix("all"), 50)
        if quick and not reach.hashable:
            hash_bytes = max(_HASH_BYTES.values())
        transactions = option(parts, "transactions", "rename")
        simple = self._lies_on(wrapped) in {"drive", "crypt"}
        renames = transactions == "rename" or (transactions == "auto" and simple)
        meta = option(parts, "meta_format", "simplejson") != "none"
        return Chunker(
            path,
            # The second chunk of an encrypted file does not look like one, so it is not taken for sealed.
            self.layer(wrapped, reach._replace(sealed=False, hashable=False)),
            max(1, size_bytes(option(parts, "chunk_size", _CHUNK_SIZE)) or 2 << 30),
            meta=meta,
            meta_for_all=self._hashes_all(hash_type, wrapped) if meta else False,
            hash_bytes=hash_bytes,
            transaction_bytes=0 if renames else _TRANSACTION_BYTES,
            certain=(reach.hashable or not quick) and (transactions != "auto" or simple),
            name_format=option(parts, "name_format", _CHUNK_NAME),
            start_from=int(start) if (start := option(parts, "start_from", "1")).isdecimal() else 1,
        )

    def _hashes_all(self, hash_type: str, wrapped: str) -> bool | None:
        """Whether chunker notes the hash of small files too: only if what lies below does not know it."""
        if not hash_type.endswith("all"):
            return False
        match self._lies_on(wrapped):
            case "crypt":
                return True
            case "drive":
                return False if hash_type == "md5all" else self._old
        return None

    def _lies_on(self, path: str) -> str:
        """The backend that a path leads to, through aliases."""
        for _ in range(len(self._settings.dump) + 1):
            parts = split_path(path)
            kind = self._settings.kind(parts.name) if parts is not None else ""
            if parts is None or kind != "alias":
                return kind
            path = self._below(parts)
        return ""

    def _ways(self, parts: RemotePath) -> dict[str, str]:
        """The paths below a union (by themselves) or a combine (by folder; only the one that the path names)."""
        option = self._settings.option
        if self._settings.kind(parts.name) == "combine":
            pairs = (word.partition("=") for word in words(option(parts, "upstreams")))
            folders = {folder: path for folder, _, path in pairs}
            folder, _, rest = parts.root.partition("/")
            if not folder:
                return folders
            return {folder: join_path(folders[folder], rest)} if folder in folders else {}
        upstreams = words(option(parts, "upstreams") or option(parts, "remotes"))
        return {word: join_path(_without_mode(word), parts.root) for word in upstreams if not word.endswith(":ro")}

    def _union(self, path: str, parts: RemotePath, reach: _Reach) -> Layer:
        ways = self._ways(parts)
        policy = self._settings.option(parts, "create_policy", "epmfs").lower()
        certain = policy == "all" and not any(word.endswith(":nc") for word in ways)
        layers = tuple(self.layer(way, reach) for way in ways.values())
        return layers[0] if len(layers) == 1 else Union(path, layers, policy in {"all", "epall"}, certain)

    def _combine(self, path: str, parts: RemotePath, reach: _Reach) -> Layer:
        ways = {folder: self.layer(way, reach) for folder, way in self._ways(parts).items()}
        return next(iter(ways.values())) if parts.root and ways else Combine(path, ways)


def _without_mode(upstream: str) -> str:
    for mode in (":nc", ":ro", ":writeback"):
        upstream = upstream.removesuffix(mode)
    return upstream


def _is_drive(path: str) -> bool:
    return path.startswith((":drive:", ":drive,"))
