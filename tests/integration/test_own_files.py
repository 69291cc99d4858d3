"""Configuration, cache files, keys and logs inside the upload folder are never uploaded and never removed."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.integration.local_site import LocalSite, contents

pytestmark = pytest.mark.rclone


@dataclass(slots=True)
class InsideSite(LocalSite):
    """Everything of cloudplow lies in a folder of the upload folder."""

    inside: str = "Media/.cloudplow"

    @property
    def config_path(self) -> Path:
        return self.root / "source" / self.inside / "config.json"

    @property
    def events_path(self) -> Path:
        return self.config_path.parent / "events.jsonl"

    @property
    def accounts(self) -> Path:
        return self.root / "source" / "keys"


@pytest.fixture
def inside(tmp_path: Path, any_rclone: Path) -> InsideSite:
    site = InsideSite(tmp_path / "site", any_rclone)
    site.config_path.parent.mkdir(parents=True)
    site.add_accounts(2, quota="1G")
    return site


def ours(site: LocalSite) -> set[str]:
    return {path.name for path in site.config_path.parent.rglob("*") if path.is_file()}


def test_nothing_of_ours_is_uploaded_or_removed(inside: InsideSite) -> None:
    inside.write("Media/film.mkv")
    inside.write("Media/.cloudplowed/film.mkv")
    inside.remote["remove_empty_dir_depth"] = 1
    (inside.config_path.parent / "stages").mkdir()
    (inside.config_path.parent / f".sa_quota_cache.json.{os.getpid()}.1.tmp").write_bytes(b"torn")

    for _ in range(2):
        run = inside.run("upload")

        assert run.status == 0, run.said
        assert {name.rpartition("/")[2] for name in run.transferred} <= {"film.mkv"}
        assert "cloudplow's own" in run.finished["reason"]
    assert contents(inside.cloud).keys() and len(contents(inside.cloud)) == 2
    assert {"config.json", "cloudplow.db", "cloudplow.db.backup", "cloudplow.log"} <= ours(inside)
    assert {path.name for path in inside.accounts.iterdir()} == {"1.json", "2.json"}
    assert (inside.config_path.parent / "stages").is_dir()


def test_what_a_link_leads_to_is_ours_all_the_same(any_site: LocalSite) -> None:
    """Followed links, hard links, and a folder that is reached by another way."""
    any_site.add_accounts(1, quota="1G")
    any_site.extras["--copy-links"] = None
    any_site.write("film.mkv")
    any_site.save()
    (any_site.source / "link to the state").mkdir()
    for path in ("config.json", "cloudplow.db", "rclone.conf", "accounts/1.json"):
        (any_site.source / "link to the state" / path.replace("/", " ")).symlink_to(any_site.root / path)
    (any_site.source / "keys").symlink_to(any_site.accounts)
    (any_site.source / "hard link").hardlink_to(any_site.config_path)
    any_site.run("plan")  # the book is made by the upload below

    run = any_site.run("upload")

    assert run.transferred.keys() == {"film.mkv"}, run.said
    assert any_site.config_path.exists()
    assert (any_site.accounts / "1.json").exists()
    assert (any_site.source / "hard link").exists()


def test_upload_folder_that_is_the_state_folder_itself_is_a_fault(any_site: LocalSite) -> None:
    through_link = any_site.root.parent / "through a link"
    through_link.symlink_to(any_site.root)
    for folder in (any_site.root, through_link):
        any_site.remote["upload_folder"] = str(folder)
        for command in ("check", "upload"):
            run = any_site.run(command)
            assert run.status == 2, run.said
            assert "is also the folder of the cache files" in run.said
    assert any_site.config_path.exists()


def test_upload_folder_that_is_a_folder_of_keys_is_a_fault(any_site: LocalSite) -> None:
    any_site.add_accounts(1, quota="1G")
    any_site.remote["upload_folder"] = str(any_site.accounts)

    run = any_site.run("upload")

    assert run.status == 2, run.said
    assert "service account keys" in run.said
    assert (any_site.accounts / "1.json").exists()


def test_configuration_beside_the_films_stays_when_the_cache_files_are_elsewhere(any_site: LocalSite) -> None:
    any_site.save()
    inside = any_site.source / "config.json"
    inside.write_bytes(any_site.config_path.read_bytes())
    any_site.write("film.mkv")
    logfile = any_site.source / "my.log"
    words = any_site.command("upload")
    words[words.index("--config") + 1] = str(inside)
    words[words.index("upload") : words.index("upload")] = [
        "--cachefile",
        str(any_site.root / "cache.db"),
        "--logfile",
        str(logfile),
    ]
    done = subprocess.run(words, env=any_site.environment(), capture_output=True, check=False, cwd=any_site.root)

    assert done.returncode == 0, done.stdout + done.stderr
    assert {path.name for path in any_site.source.iterdir()} == {"config.json", "my.log"}
    assert len(contents(any_site.cloud)) == 1
