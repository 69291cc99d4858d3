"""The sample configuration; `config.json.sample` is this text."""

from __future__ import annotations

import json
from typing import Any, Final

SAMPLE: Final[dict[str, Any]] = {
    "core": {
        "dry_run": False,
        "rclone_binary_path": None,
        "rclone_config_path": "/home/user/.config/rclone/rclone.conf",
        "stall_minutes": 15,
        "max_parallel_uploads": 1,
    },
    "plugins": ["cloudplow_dashboard"],
    "dashboard": {
        "enabled": True,
        "host": "127.0.0.1",
        "port": 47949,
        "refresh_interval": 1,
        "rc_url": None,
        "trusted_proxies": [],
        "allowed_hosts": [],
    },
    "remotes": {
        "google": {
            "upload_folder": "/mnt/local/Media",
            "upload_remote": "google:/Media",
            "hidden_remote": "google:",
            "sync_remote": "google:/Media",
            "rclone_command": "move",
            "rclone_excludes": ["**partial~", "**_HIDDEN~", ".unionfs/**", ".unionfs-fuse/**"],
            "rclone_extras": {
                "--min-age": "15m",
                "--transfers": 8,
                "--checkers": 16,
                "--drive-chunk-size": "64M",
                "--drive-pacer-min-sleep": "10ms",
                "--skip-links": None,
            },
            "rclone_sleeps": {
                "Failed to copy: googleapi: Error 403: User rate limit exceeded": {
                    "count": 5,
                    "timeout": 3600,
                    "sleep": 25,
                }
            },
            "remove_empty_dir_depth": 2,
        },
        "backup": {
            "upload_folder": "/mnt/local/Backup",
            "upload_remote": "backup:/Backup",
            "hidden_remote": "backup:",
            "sync_remote": "backup:/Media",
            "rclone_command": "copy",
            "rclone_excludes": [],
            "rclone_extras": {"--transfers": 4, "--checkers": 8},
            "rclone_sleeps": {},
            "remove_empty_dir_depth": 2,
        },
    },
    "uploader": {
        "google": {
            "check_interval": 30,
            "max_size_gb": 200,
            "size_excludes": ["downloads/"],
            "exclude_open_files": True,
            "opened_excludes": ["/downloads/"],
            "can_be_throttled": True,
            "schedule": {"enabled": False, "allowed_from": "22:00", "allowed_until": "08:00"},
            "service_account_path": "/home/user/.config/cloudplow/service_accounts",
            "account_quota": "750G",
            "account_quota_hours": 24,
            "mover": {
                "enabled": False,
                "move_from_remote": "google:/Media",
                "move_to_remote": "archive:/Media",
                "rclone_extras": {"--delete-empty-src-dirs": None, "--create-empty-src-dirs": None},
                "rclone_excludes": [],
            },
        }
    },
    "hidden": {"/mnt/local/Media/.unionfs-fuse": {"hidden_remotes": ["google"]}},
    "plex": {
        "enabled": False,
        "url": "https://plex.example.com",
        "token": "",
        "poll_interval": 60,
        "max_streams_before_throttle": 1,
        "ignore_local_streams": True,
        "notifications": False,
        "rclone": {
            "url": "http://localhost:7949",
            "throttle_speeds": {"1": "50M", "2": "40M", "3": "30M", "4": "20M", "5": "10M"},
        },
    },
    "nzbget": {"enabled": False, "url": "http://user:password@localhost:6789"},
    "sabnzbd": {"enabled": False, "url": "http://localhost:8080", "apikey": ""},
    "notifications": {
        "chat": {
            "service": "slack",
            "webhook_url": "http://127.0.0.1:8065/hooks/cloudplow",
            "sender_name": "Cloudplow",
            "sender_icon": ":cloud:",
            "channel": "cloudplow",
        }
    },
    "syncer": {
        "google_to_backup": {
            "service": "local",
            "sync_from": "google",
            "sync_to": "backup",
            "sync_interval": 24,
            "tool_path": None,
            "rclone_extras": {"--transfers": 8, "--checkers": 16},
            "use_copy": True,
        }
    },
}


def sample_text() -> str:
    """The sample, as written to a file."""
    return json.dumps(SAMPLE, indent=4, ensure_ascii=False) + "\n"
