"""The password of a remote control: a file that rclone reads, and nothing else."""

from __future__ import annotations

import base64
import hashlib
import os
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from cloudplow.state.rc_password import USER, RcPassword


def test_the_file_holds_one_hash_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    made = RcPassword(tmp_path, "google-1")
    path = Path(made.environment()["RCLONE_RC_HTPASSWD"])

    assert path == tmp_path / "rc" / f"google-1.{os.getpid()}.htpasswd"
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    url = urlsplit(made.url(1234))
    assert (url.username, url.hostname, url.port) == (USER, "127.0.0.1", 1234)
    assert url.password is not None
    digest = base64.b64encode(hashlib.sha1(url.password.encode(), usedforsecurity=False).digest()).decode()
    assert path.read_text() == f"cloudplow:{{SHA}}{digest}\n"
    assert url.password not in repr(made) + str(made.environment())


def test_the_folder_is_closed_and_a_file_that_was_left_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "rc").mkdir(mode=0o755)
    left = tmp_path / "rc" / f"google-1.{os.getpid()}.htpasswd"
    left.symlink_to(tmp_path / "elsewhere")

    first, second = RcPassword(tmp_path, "google-1"), RcPassword(tmp_path, "google-1")

    assert not left.is_symlink()
    assert not (tmp_path / "elsewhere").exists()
    assert (tmp_path / "rc").stat().st_mode & 0o777 == 0o700
    assert first.url(1) != second.url(1)


def test_it_leaves_nothing_and_nothing_of_others(tmp_path: Path) -> None:
    first, second = RcPassword(tmp_path, "google-1"), RcPassword(tmp_path, "other-1")
    first.remove()
    assert [path.name for path in (tmp_path / "rc").iterdir()] == [f"other-1.{os.getpid()}.htpasswd"]
    second.remove()
    second.remove()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_an_error_of_the_disk(tmp_path: Path) -> None:
    (tmp_path / "rc").write_text("in the way")
    with pytest.raises(OSError, match="exists"):
        RcPassword(tmp_path, "google-1")
