"""Features that a configuration asks for and that are not there yet: one warning each."""

from __future__ import annotations

from collections.abc import Iterator

from cloudplow.config.faults import place
from cloudplow.config.models import Config


def not_yet(config: Config) -> Iterator[str]:
    """A warning for each feature that is on: its place, what is not done, and what to do meanwhile."""
    for name, uploader in config.uploader.items():
        if uploader.mover.enabled:
            yield (
                f"{place(('uploader', name, 'mover'))}: the mover is not there yet, so nothing is moved on after an "
                "upload; use rclone move after it, or set enabled to false"
            )
    if any(entry.hidden_remotes for entry in config.hidden.values()):
        yield (
            "hidden: the cleaner of hidden files is not there yet, so they are not deleted in the cloud; "
            "delete them by hand, or remove the section"
        )
    if config.plex.enabled:
        yield (
            "plex: throttling for Plex is not there yet, so uploads are not slowed down while people stream; "
            "set --bwlimit in rclone_extras, or set plex.enabled to false"
        )
    for section, program, on in (
        ("nzbget", "NZBGet", config.nzbget.enabled),
        ("sabnzbd", "SABnzbd", config.sabnzbd.enabled),
    ):
        if on:
            yield (
                f"{section}: pausing {program} is not there yet, so it goes on during uploads; "
                f"limit its speed in {program}, or set {section}.enabled to false"
            )
    if config.syncer:
        yield (
            "syncer: syncers are not there yet, so nothing is copied from remote to remote; "
            "use rclone sync by a timer, or remove the section"
        )
