"""Configurations as people have them: six whole ones, and small changes of them, each with what is said of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

FOLDER: Final = Path(__file__).parents[2] / "data" / "configs"
WHOLE: Final = tuple(sorted(path.stem for path in FOLDER.glob("*.json")))

#: In place of a value: the key is taken out.
MISSING: Final = object()

#: Nothing is said of a change.
SILENT: Final = ""


class Change(NamedTuple):
    """One change of a whole configuration. path: keys, "/" between them. told: the place of the warning."""

    base: str
    path: str
    value: object
    told: str

    @property
    def name(self) -> str:
        value = "missing" if self.value is MISSING else json.dumps(self.value)
        return f"{self.base}: {self.path} = {value}"


def whole(name: str) -> dict[str, Any]:
    """One of the whole configurations."""
    document: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return document


def changed(change: Change) -> dict[str, Any]:
    """A whole configuration with a change."""
    document = whole(change.base)
    *parents, last = change.path.split("/")
    holder = document
    for key in parents:
        holder = holder.setdefault(key, {})
    if change.value is MISSING:
        del holder[last]
    else:
        holder[last] = change.value
    return document


def _blank(base: str, path: str, told: str = SILENT) -> Iterator[Change]:
    """A value that is there but blank, in the three ways in which files have it."""
    yield from (Change(base, path, blank, told) for blank in ("", " ", None))


REMOTE: Final = "remotes/google"
UPLOADER: Final = "uploader/google"

CHANGES: Final = (
    # Sections that are blank, missing, or of another kind
    *_blank("cloudbox", "notifications"),
    *_blank("cloudbox", "hidden"),
    *_blank("cloudbox", "plex"),
    Change("cloudbox", "plex", MISSING, SILENT),
    Change("cloudbox", "syncer", [], SILENT),
    Change("cloudbox", "syncer", "none", "syncer"),
    Change("cloudbox", "hidden", ["/mnt/local"], "hidden"),
    Change("cloudbox", "nzbget", "off", "nzbget"),
    Change("fork", "dashboard", "x", "dashboard"),
    Change("fork", "dashboard/port", "many", "dashboard.port"),
    *_blank("fork", "dashboard/rc_url"),
    *_blank("fork", "dashboard/host"),
    Change("fork", "dashboard/port", "47949", SILENT),
    # Notifications
    Change("cloudbox", "notifications/Pushover/service", MISSING, "notifications.Pushover.service"),
    Change("cloudbox", "notifications/Pushover/service", "pushbullet", "notifications.Pushover.service"),
    Change("cloudbox", "notifications/Pushover/priority", "high", "notifications.Pushover.priority"),
    Change("cloudbox", "notifications/Pushover", {}, "notifications.Pushover.service"),
    Change("cloudbox", "notifications/Pushover", "tokens", "notifications.Pushover"),
    Change("cloudbox", "notifications/Slack/webhook_url", 5, "notifications.Slack.webhook_url"),
    Change("cloudbox", "notifications/Slack/channel", None, SILENT),
    # Plex and download clients
    Change("cloudbox", "plex/enabled", True, "plex.token"),
    Change("cloudbox", "plex/enabled", "yes", "plex.token"),
    Change("cloudbox", "plex/enabled", "perhaps", "plex.enabled"),
    Change("cloudbox", "plex/poll_interval", "a minute", "plex.poll_interval"),
    *_blank("cloudbox", "plex/poll_interval"),
    Change("cloudbox", "plex/rclone/throttle_speeds/1", "", "plex.rclone.throttle_speeds.1"),
    Change("cloudbox", "plex/rclone/throttle_speeds", {}, "plex.rclone.throttle_speeds"),
    Change("cloudbox", "plex/rclone", None, SILENT),
    Change("cloudbox", "nzbget/enabled", "true", SILENT),
    Change("cloudbox", "nzbget", {"enabled": True, "url": None}, "nzbget.url"),
    Change("saltbox", "sabnzbd", {"enabled": True, "url": "http://x"}, "sabnzbd.apikey"),
    # Hidden folders and syncers
    Change("cloudbox", "hidden/m", None, "hidden.m"),
    Change("cloudbox", "hidden/m", {"hidden_remotes": ["gone"]}, "hidden.m.hidden_remotes[0]"),
    Change("cloudbox", "hidden/m", {"hidden_remotes": "google"}, "hidden.m.hidden_remotes"),
    Change("cloudbox", "hidden/m", {"hidden_remotes": [None, ""]}, SILENT),
    Change("cloudbox", "remotes/google/hidden_remote", "", "remotes.google.hidden_remote"),
    Change("cloudbox", "syncer/s", {"sync_from": "google", "sync_to": "gone"}, "syncer.s.sync_to"),
    Change("cloudbox", "syncer/s", {"sync_from": None, "sync_to": "google"}, "syncer.s.sync_from"),
    Change("cloudbox", "syncer/s", {"service": "azure"}, "syncer.s.service"),
    Change("saltbox", "syncer/google2box/sync_interval", "daily", "syncer.google2box.sync_interval"),
    Change("saltbox", "syncer/google2box/use_copy", "yes", SILENT),
    Change("saltbox", "remotes/backups", None, "remotes.backups"),
    Change("saltbox", "remotes/backups/rclone_command", "sync", "remotes.backups.rclone_command"),
    # Uploaders
    *_blank("cloudbox", f"{UPLOADER}/service_account_path"),
    *_blank("cloudbox", f"{UPLOADER}/max_size_gb"),
    *_blank("cloudbox", f"{UPLOADER}/size_excludes"),
    *_blank("cloudbox", f"{UPLOADER}/schedule"),
    Change("cloudbox", f"{UPLOADER}/max_size_gb", "200", SILENT),
    Change("cloudbox", f"{UPLOADER}/max_size_gb", "200 GB", "uploader.google.max_size_gb"),
    Change("cloudbox", f"{UPLOADER}/check_interval", 0, "uploader.google.check_interval"),
    Change("cloudbox", f"{UPLOADER}/check_interval", "30m", "uploader.google.check_interval"),
    Change("cloudbox", f"{UPLOADER}/exclude_open_files", "False", SILENT),
    Change("cloudbox", f"{UPLOADER}/exclude_open_files", "maybe", "uploader.google.exclude_open_files"),
    Change("cloudbox", f"{UPLOADER}/opened_excludes", "/downloads/", "uploader.google.opened_excludes"),
    Change("cloudbox", f"{UPLOADER}/can_be_throttled", [], "uploader.google.can_be_throttled"),
    Change("cloudbox", f"{UPLOADER}/schedule/allowed_from", "4am", "uploader.google.schedule.allowed_from"),
    Change("cloudbox", f"{UPLOADER}/schedule/enabled", "", SILENT),
    Change(
        "cloudbox",
        f"{UPLOADER}/schedule",
        {"enabled": True, "allowed_from": ""},
        "uploader.google.schedule.allowed_from",
    ),
    Change("cloudbox", f"{UPLOADER}/mover", {"enabled": True}, "uploader.google.mover.move_from_remote"),
    Change("cloudbox", f"{UPLOADER}/mover", "no", "uploader.google.mover"),
    Change("cloudbox", "uploader/second", {}, "uploader.second"),
    Change("cloudbox", "uploader/second", None, "uploader.second"),
    # Remotes
    *_blank("cloudbox", f"{REMOTE}/rclone_excludes"),
    *_blank("cloudbox", f"{REMOTE}/rclone_extras"),
    *_blank("cloudbox", f"{REMOTE}/rclone_sleeps"),
    *_blank("cloudbox", f"{REMOTE}/remove_empty_dir_depth"),
    Change("cloudbox", f"{REMOTE}/rclone_extras", [], SILENT),
    Change("cloudbox", f"{REMOTE}/rclone_command", "Move", SILENT),
    Change("cloudbox", f"{REMOTE}/remove_empty_dir_depth", "all", "remotes.google.remove_empty_dir_depth"),
    Change("cloudbox", f"{REMOTE}/rclone_sleeps/ ", {"count": 1}, 'remotes.google.rclone_sleeps." "'),
    Change(
        "cloudbox", f"{REMOTE}/rclone_sleeps/x", {"count": "", "timeout": 9}, "remotes.google.rclone_sleeps.x.count"
    ),
    Change("cloudbox", f"{REMOTE}/rclone_sleeps/x", None, "remotes.google.rclone_sleeps.x"),
    Change("cloudbox", f"{REMOTE}/rclone_excludes", [None, "", "*.nfo"], SILENT),
    Change("cloudbox", f"{UPLOADER}/opened_excludes", [""], SILENT),
    Change("cloudbox", f"{REMOTE}/rclone_extras/--rc", None, "remotes.google.rclone_extras"),
    Change("cloudbox", f"{REMOTE}/rclone_extras/--log-file", "/l", "remotes.google.rclone_extras.--log-file"),
    Change("cloudbox", f"{REMOTE}/rclone_extras/-P", "", SILENT),
    Change("cloudbox", f"{REMOTE}/sync_remote", [], "remotes.google.sync_remote"),
    # What nobody knows
    Change("cloudbox", "telegram", {"enabled": True}, "telegram"),
    Change("cloudbox", f"{REMOTE}/max_size", 5, "remotes.google.max_size"),
    Change("cloudbox", "core/language", "en", "core.language"),
    *_blank("cloudbox", "core/dry_run"),
    *_blank("cloudbox", "core/rclone_config_path"),
)

#: What would make an upload wrong or impossible, with the place of the fault.
REFUSED: Final = (
    Change("cloudbox", "core/dry_run", "maybe", "core.dry_run"),
    Change("cloudbox", f"{REMOTE}/rclone_command", "sync", "remotes.google.rclone_command"),
    Change("cloudbox", f"{REMOTE}/rclone_excludes", "*.nfo", "remotes.google.rclone_excludes"),
    Change("cloudbox", f"{REMOTE}/rclone_extras/--files-from", "/list", "remotes.google.rclone_extras.--files-from"),
    Change("cloudbox", f"{REMOTE}/rclone_extras/--dry-run", None, "remotes.google.rclone_extras.--dry-run"),
    Change(
        "cloudbox",
        f"{REMOTE}/rclone_sleeps/x",
        {"count": 0, "timeout": 1, "sleep": 1},
        "remotes.google.rclone_sleeps.x.count",
    ),
    Change("cloudbox", f"{REMOTE}/upload_folder", "", "remotes.google.upload_folder"),
    Change("cloudbox", f"{REMOTE}/upload_remote", None, "remotes.google.upload_remote"),
    Change("cloudbox", f"{REMOTE}/upload_remote", "google", "remotes.google.upload_remote"),
    Change("cloudbox", f"{UPLOADER}/account_quota", "", "uploader.google.account_quota"),
    Change("cloudbox", "remotes", {}, "uploader.google"),
    Change("cloudbox", "uploader", "all", "uploader"),
)
