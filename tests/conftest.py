"""Fixtures for all tests: the real rclone in both versions, and fake Drives."""

pytest_plugins = ["tests.rclone_binaries", "tests.fake_drive.pytest_plugin"]
