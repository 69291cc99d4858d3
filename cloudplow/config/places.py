"""Where a configuration is looked for, and options that older installations give as variables."""

from __future__ import annotations

import os
from pathlib import Path


def given(value: str | None, name: str) -> str | None:
    """An option, else the environment variable that older installations set for it; None where both are blank."""
    found = value or os.environ.get(f"CLOUDPLOW_{name.upper()}")
    return found if found and found.strip() else None


def config_places() -> tuple[Path, ...]:
    """Where a configuration is looked for, in this order, unless one is named."""
    return (
        Path("config.json"),
        user_config_path(),
        Path("/config/config.json"),
        Path("/opt/cloudplow/config.json"),
    )


def user_config_path() -> Path:
    """The configuration of this user, below `$XDG_CONFIG_HOME`. Where no home is known, that of the machine."""
    base = os.environ.get("XDG_CONFIG_HOME", "")
    # The standard says that a relative path is to be ignored.
    folder = Path(base) if base.startswith("/") else Path("~/.config")
    try:
        return folder.expanduser() / "cloudplow" / "config.json"
    except RuntimeError:
        return Path("/opt/cloudplow/config.json")
