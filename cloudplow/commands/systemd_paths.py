"""`cloudplow check --systemd`: a drop-in for the unit, with which the service can write only where it needs to."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from cloudplow.app import App
from cloudplow.upload.own_files import rclone_config_paths
from cloudplow.upload.task import upload_task


class Paths(NamedTuple):
    """Absolute paths: what the service writes, and what it must not change although it might lie there."""

    written: tuple[Path, ...]
    read: tuple[Path, ...]


def paths_of(app: App, log_file: Path, environ: Mapping[str, str]) -> Paths:
    """What this configuration writes and reads. rclone writes its own configuration when a token is renewed."""
    tasks = [upload_task(app.config, name) for name in app.config.uploader]
    home = Path(environ.get("HOME") or "~").expanduser()
    rclone = [path.parent for path in rclone_config_paths(app.config.core.rclone_config_path, environ)]
    written = [task.folder for task in tasks]
    written += [app.state_dir, log_file.parent, *(path for path in rclone if path != home)]
    written += [Path(environ.get("XDG_CACHE_HOME") or home / ".cache") / "rclone", Path("/tmp"), Path("/var/tmp")]  # noqa: S108
    keys = [task.accounts_folder for task in tasks if task.accounts_folder is not None]
    absolute = tuple(dict.fromkeys(map(_absolute, written)))
    return Paths(absolute, tuple(path for path in dict.fromkeys(map(_absolute, keys)) if path not in absolute))


def drop_in(paths: Paths) -> Iterator[str]:
    """The lines. A path that systemd has no way to write is a comment."""
    yield "# Made by `cloudplow check --systemd`; make it again when folders of the configuration change. A folder that"
    yield "# is not there when the service starts stays read-only until it is started again."
    yield "[Service]"
    yield "ProtectSystem=strict"
    yield from _setting("ReadWritePaths", paths.written)
    yield from _setting("ReadOnlyPaths", paths.read)


def _setting(name: str, paths: Iterable[Path]) -> Iterator[str]:
    for path in paths:
        word = quoted(path)
        if word is None:
            yield f"# {name}: this path cannot be written in a unit; rename it: {str(path).encode()!r}"
        else:
            yield f"{name}={word}"


def quoted(path: Path) -> str | None:
    """A path as these settings take it; None if none can say it. "-": a folder that is not there is no fault."""
    text = os.fspath(path)
    if not text.isprintable():
        return None
    text = text.replace("%", "%%").replace("\\", "\\\\").replace('"', '\\"')
    return f'"-{text}"'


def _absolute(path: Path) -> Path:
    return Path(os.path.realpath(path.expanduser()))
