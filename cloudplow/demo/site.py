"""The folder of a demo: library, accounts, a local cloud, and both configurations.

The cloud is a crypt remote over a local folder (a move between local folders would just be a rename).
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cloudplow.demo.library import LIBRARY_BYTES, library_files, write_library
from cloudplow.errors import CloudplowError, RcloneError
from cloudplow.rclone.command import Rclone
from cloudplow.rclone.process import run
from cloudplow.units import format_bytes

UPLOADER: Final = "demo"
REMOTE: Final = "vault"
ACCOUNTS: Final = 6
ACCOUNT_QUOTA: Final = "32M"
#: Sections of the configuration that an environment variable of the same name would override.
SECTIONS: Final = frozenset(
    {
        "core",
        "dashboard",
        "hidden",
        "notifications",
        "nzbget",
        "plex",
        "plugins",
        "remotes",
        "sabnzbd",
        "syncer",
        "uploader",
    }
)


@dataclass(frozen=True, slots=True)
class DemoSite:
    """The folder of one demo. checksums: the MD5 of every library file by name."""

    root: Path
    rclone: str
    checksums: Mapping[str, str]

    @property
    def library(self) -> Path:
        return self.root / "Media"

    @property
    def keys(self) -> Path:
        return self.root / "accounts"

    @property
    def config_path(self) -> Path:
        return self.root / "config.json"

    @property
    def log_path(self) -> Path:
        return self.root / "cloudplow.log"

    @property
    def rclone_config_path(self) -> Path:
        return self.root / "rclone.conf"


def make_root(folder: Path | None) -> Path:
    """The folder for a demo: the given one, which must be new or empty, or a fresh temporary one.

    Raises CloudplowError when it cannot be used.
    """
    if folder is None:
        return Path(tempfile.mkdtemp(prefix="cloudplow-demo-")).resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise CloudplowError(f"{folder}: must be a new or empty folder")
    except OSError as error:
        raise CloudplowError(f"{folder}: {error.strerror}") from error
    return folder.resolve()


def prepare(root: Path, *, rclone: str, port: int, speed: str) -> DemoSite:
    """Write the library, the accounts' keys and both configurations into an empty folder.

    Raises CloudplowError when the disk is too full or rclone does not work.
    """
    if shutil.disk_usage(root).free < 2 * LIBRARY_BYTES:
        raise CloudplowError(f"{root}: the demo needs {format_bytes(2 * LIBRARY_BYTES)} of free disk space")
    try:
        checksums = write_library(root / "Media", library_files())
    except OSError as error:
        raise CloudplowError(f"{root}: the library cannot be written: {error.strerror}") from error
    site = DemoSite(root, rclone, checksums)
    manifest = "".join(f"{md5}  {name}\n" for name, md5 in site.checksums.items())
    (root / "library.md5").write_text(manifest, encoding="utf-8")
    _write_keys(site.keys)
    password = _run_rclone(site, "obscure", "-", input_text=secrets.token_urlsafe(16)).strip()
    site.rclone_config_path.write_text(
        f"[{REMOTE}]\ntype = crypt\nremote = {root / 'cloud'}\npassword = {password}\n", encoding="utf-8"
    )
    site.config_path.write_text(json.dumps(_config(site, port, speed), indent=2) + "\n", encoding="utf-8")
    return site


def _config(site: DemoSite, port: int, speed: str) -> Mapping[str, Any]:
    return {
        "core": {
            "dry_run": False,
            "rclone_binary_path": site.rclone,
            "rclone_config_path": str(site.rclone_config_path),
        },
        "plugins": ["cloudplow_dashboard"],
        "dashboard": {"enabled": True, "host": "127.0.0.1", "port": port, "refresh_interval": 1},
        "remotes": {
            UPLOADER: {
                "upload_folder": str(site.library),
                "upload_remote": f"{REMOTE}:Media",
                "rclone_command": "move",
                "rclone_extras": {"--bwlimit": speed, "--transfers": 4},
                "remove_empty_dir_depth": 1,
            }
        },
        "uploader": {
            UPLOADER: {
                "service_account_path": str(site.keys),
                "account_quota": ACCOUNT_QUOTA,
                "account_quota_hours": 24,
            }
        },
    }


def _write_keys(folder: Path) -> None:
    """Write key files in Google's format that cannot be mistaken for real ones."""
    folder.mkdir()
    for number in range(1, ACCOUNTS + 1):
        key = {
            "type": "service_account",
            "project_id": "cloudplow-demo",
            "private_key_id": f"demo-{number}",
            "private_key": "-----BEGIN PRIVATE KEY-----\nmade up by cloudplow demo\n-----END PRIVATE KEY-----\n",
            "client_email": f"demo-{number}@cloudplow-demo.invalid",
            "client_id": str(number),
            "token_uri": "http://127.0.0.1:9/no-such-server",
        }
        (folder / f"{number}.json").write_text(json.dumps(key, indent=2) + "\n", encoding="utf-8")


def arrived_checksums(site: DemoSite) -> Mapping[str, str]:
    """The MD5 by name of everything in the cloud, read back and decrypted.

    Raises CloudplowError when rclone cannot read it.
    """
    lines = _run_rclone(site, "hashsum", "MD5", "--download", f"{REMOTE}:Media").splitlines()
    return {name: md5 for md5, _, name in (line.partition("  ") for line in lines)}


def _run_rclone(site: DemoSite, *words: str, input_text: str = "") -> str:
    rclone = Rclone(site.rclone, str(site.rclone_config_path))
    done = run(rclone.base(*words), input_bytes=input_text.encode())
    if done.code != 0:
        raise RcloneError(f"rclone {words[0]} failed: {done.last_error_line()}")
    return done.stdout.decode("utf-8", "replace")


@contextmanager
def private_environment(root: Path) -> Iterator[None]:
    """Keep the user's rclone and cloudplow settings out of the demo, and the demo's files out of the user's folders."""
    saved = dict(os.environ)
    for name in saved:
        if name.startswith(("RCLONE_", "CLOUDPLOW_")) or name.lower() in SECTIONS:
            del os.environ[name]
    os.environ.update(RCLONE_CONFIG=str(root / "rclone.conf"), XDG_CACHE_HOME=str(root / "rclone-cache"))
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(saved)
