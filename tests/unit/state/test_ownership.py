"""Who owns the files of the state folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cloudplow.state.ownership import like_the_folder

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")


@needs_root
def test_root_gives_its_files_to_the_owner_of_the_folder(tmp_path: Path) -> None:
    os.chown(tmp_path, 1000, 1000)
    path = tmp_path / "cloudplow.db"
    path.touch()
    like_the_folder(path, tmp_path / "missing")
    assert (path.stat().st_uid, path.stat().st_gid) == (1000, 1000)


@needs_root
def test_where_a_link_leads_to_stays_as_it_is(tmp_path: Path) -> None:
    os.chown(tmp_path, 1000, 1000)
    (tmp_path / "elsewhere").mkdir()
    target = tmp_path / "elsewhere" / "precious"
    target.touch()
    (tmp_path / "link").symlink_to(target)
    like_the_folder(tmp_path / "link")
    assert target.stat().st_uid == 0


def test_anybody_else_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(os, "lchown", lambda *_: pytest.fail("it was given away"))
    (tmp_path / "a").touch()
    like_the_folder(tmp_path / "a")
