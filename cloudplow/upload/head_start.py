"""Starts rclone's two short answers before the rest of the program is imported.

Importing and checking the configuration takes longer than rclone needs to list a folder. What is asked here is asked
of the raw document, by a guess at what the checked configuration will say; `cloudplow.upload.preflight` uses an answer
only when it would have asked the very same command, so a wrong guess costs nothing but the asking.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from cloudplow.config.engine_flags import ExtraValue, normalise_extras
from cloudplow.config.reading import parse
from cloudplow.errors import CloudplowError
from cloudplow.rclone.background import Background
from cloudplow.rclone.binary import find_rclone
from cloudplow.rclone.command import Job, Rclone, config_dump_command, listing_command
from cloudplow.rclone.process import Completed, run

#: Longer than rclone ever needs to read its configuration, in seconds.
DUMP_TIMEOUT_SECONDS = 60.0


class HeadStart:
    """Answers under way, by the command that was asked."""

    def __init__(self) -> None:
        self._answers: dict[tuple[str, ...], Background[Completed]] = {}

    def ask(self, command: Sequence[str], timeout_seconds: float | None = None) -> Background[Completed]:
        """The answer that is under way for the command, once; else ask now."""
        begun = self._answers.pop(tuple(command), None)
        return begun or Background(lambda: run(command, timeout_seconds=timeout_seconds), "cloudplow-ask")

    def begin(self, command: Sequence[str], timeout_seconds: float | None = None) -> None:
        """Ask ahead."""
        self._answers[tuple(command)] = self.ask(command, timeout_seconds)


def begin_head_start(config_path: Path, names: Sequence[str]) -> HeadStart:
    """Ask what an upload of the named uploaders (or all) will want to know first. Never raises: faults come later."""
    head_start = HeadStart()
    try:
        document = parse(config_path.read_text(encoding="utf-8-sig"), config_path.name)
        rclone = _rclone(document)
        head_start.begin(config_dump_command(rclone), DUMP_TIMEOUT_SECONDS)
        job = _first_job(document, names)
        if job is not None:
            head_start.begin(listing_command(rclone, job))
    except (CloudplowError, OSError, ValueError, TypeError, AttributeError, KeyError, StopIteration):
        pass
    return head_start


def _rclone(document: Mapping[str, Any]) -> Rclone:
    core = document.get("core") or {}
    config = core.get("rclone_config_path") or None
    return Rclone(find_rclone(core.get("rclone_binary_path") or None), config and str(Path(config).expanduser()))


def _first_job(document: Mapping[str, Any], names: Sequence[str]) -> Job | None:
    if "remotes" in os.environ or "uploader" in os.environ:
        return None
    name = names[0] if names else next(iter(document["uploader"]))
    remote = document["remotes"][name]
    folder = Path(remote["upload_folder"]).expanduser()
    if not folder.is_dir():
        return None
    return Job(
        remote.get("rclone_command", "move"),
        str(folder),
        str(remote["upload_remote"]),
        cast("dict[str, ExtraValue]", normalise_extras(remote.get("rclone_extras") or {})[0]),
        tuple(remote.get("rclone_excludes") or ()),
    )
