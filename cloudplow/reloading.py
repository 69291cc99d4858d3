"""What follows from a configuration that was read again: at once, later, after a restart. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from cloudplow.config.models import Config, Uploader

#: Keys of an uploader that say when it uploads.
_WHEN: Final = ("check_interval", "max_size_gb", "size_excludes", "schedule", "can_be_throttled")


#: Sections whose plugins take them over at once.
AT_ONCE: Final = ("notifications",)


def changes(old: Config, new: Config, restart_sections: Sequence[str]) -> str:
    """One sentence about everything that differs; "" for nothing. restart_sections: of plugins that keep what they read
    at the start.
    """
    at_once = list(_at_once(old, new))
    later = list(_later(old, new))
    restart = list(_restart(old, new, restart_sections))
    parts = []
    if at_once:
        parts.append(f"in force now: {', '.join(at_once)}")
    if later:
        parts.append(f"from the next upload on: {', '.join(later)}")
    if restart:
        parts.append(f"needs a restart: {', '.join(restart)}")
    return "; ".join(parts)


def _at_once(old: Config, new: Config) -> Iterator[str]:
    for name, uploader in new.uploader.items():
        before = old.uploader.get(name)
        if before is None:
            yield f"uploader.{name} (new)"
            continue
        yield from (f"uploader.{name}.{key}" for key in _WHEN if getattr(before, key) != getattr(uploader, key))
    yield from (f"uploader.{name} (removed)" for name in old.uploader if name not in new.uploader)
    if old.core.max_parallel_uploads != new.core.max_parallel_uploads:
        yield "core.max_parallel_uploads"
    for section in AT_ONCE:
        if old.sections.get(section) != new.sections.get(section):
            yield section


def _later(old: Config, new: Config) -> Iterator[str]:
    for name, remote in new.remotes.items():
        if name in old.remotes and old.remotes[name] != remote:
            yield f"remotes.{name}"
    keys = [key for key in Uploader.model_fields if key not in _WHEN]
    for name, uploader in new.uploader.items():
        before = old.uploader.get(name)
        if before is not None:
            yield from (f"uploader.{name}.{key}" for key in keys if getattr(before, key) != getattr(uploader, key))
    for key in ("dry_run", "rclone_binary_path", "rclone_config_path", "stall_minutes"):
        if getattr(old.core, key) != getattr(new.core, key):
            yield f"core.{key}"


def _restart(old: Config, new: Config, sections: Sequence[str]) -> Iterator[str]:
    if old.plugins != new.plugins:
        yield "plugins"
    for name in sections:
        if old.sections.get(name) != new.sections.get(name):
            yield name
