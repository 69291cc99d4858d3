"""Fixtures of the integration tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.local_site import LocalSite


@pytest.fixture
def site(tmp_path: Path, rclone: Path) -> LocalSite:
    """A site for each supported rclone in turn."""
    return LocalSite(tmp_path / "site", rclone)


@pytest.fixture
def any_site(tmp_path: Path, any_rclone: Path) -> LocalSite:
    """A site with some rclone, for what does not depend on its version."""
    return LocalSite(tmp_path / "site", any_rclone)
