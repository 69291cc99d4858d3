"""Remotes that only the environment names."""

from __future__ import annotations

from cloudplow.rclone.environment_remotes import WithEnvironment
from cloudplow.rclone.remotes import drive_remotes_below, is_known


def test_a_remote_of_the_environment_is_known_by_any_spelling() -> None:
    dump = WithEnvironment({}, {"RCLONE_CONFIG_MY-DRIVE_TYPE": "drive", "RCLONE_CONFIG_MY-DRIVE_TEAM_DRIVE": "x"})

    assert is_known("my-drive:Media", dump)
    assert is_known("MY-DRIVE:Media", dump)
    assert not is_known("my_drive:Media", dump)
    assert dict(dump["my-drive"]) == {"type": "drive", "team_drive": "x"}
    assert list(dump) == ["my-drive"]
    assert len(dump) == 1


def test_the_environment_wins_over_the_file() -> None:
    dump = WithEnvironment(
        {"vault": {"type": "crypt", "remote": "old:"}},
        {"RCLONE_CONFIG_VAULT_REMOTE": "new:x", "RCLONE_CONFIG_NEW_TYPE": "drive"},
    )

    assert drive_remotes_below("vault:", dump) == ("new",)
    assert sorted(dump) == ["new", "vault"]


def test_options_without_a_type_make_no_remote() -> None:
    dump = WithEnvironment({}, {"RCLONE_CONFIG_X_REMOTE": "a:", "RCLONE_CONFIG_": "y", "RCLONE_CONFIG": "/f"})

    assert "x" not in dump
    assert list(dump) == []
