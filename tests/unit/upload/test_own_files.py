"""Which files of an upload folder are cloudplow's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloudplow.models import QueueFile
from cloudplow.upload.own_files import OwnFiles, rclone_config_paths


@pytest.fixture
def media(tmp_path: Path) -> Path:
    (tmp_path / "media").mkdir()
    return tmp_path / "media"


def put(path: Path, content: bytes = b"content") -> QueueFile:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return QueueFile(path.name, len(content))


def test_everything_below_a_state_folder_inside_is_ours(media: Path) -> None:
    own = OwnFiles(state_dir=media / "a/state").below(media)
    for name in ("cloudplow.db", "cloudplow.db-journal", "stages/x.facts", ".cloudplow.db.7.8.tmp", "plugin's"):
        assert QueueFile(f"a/state/{name}", 1) in own
    for name in ("a/film", "a/stated/film", "b/a/state/film", "a/state"):
        assert QueueFile(name, 1) not in own
    assert own.holds("a/state")
    assert own.holds("a/state/stages")
    assert not own.holds("a")


def test_folder_of_keys_and_single_files_inside_are_ours(media: Path) -> None:
    own = OwnFiles(files=[media / "config.json", media / "é.log"], keys=[media / "keys"]).below(media)
    for name in ("config.json", "config.json.bak", ".config.json.1.tmp", "é.log", "é.log.1", "keys/1.json"):
        assert QueueFile(name, 1) in own
    for name in ("config.jsonx", "a/config.json", "keyss/1.json"):
        assert QueueFile(name, 1) not in own


def test_state_folder_that_holds_the_upload_folder_takes_nothing_from_it(tmp_path: Path, media: Path) -> None:
    own = OwnFiles(state_dir=tmp_path).below(media)
    assert QueueFile("cloudplow.db", 1) not in own
    assert own.folders == frozenset()


def test_links_to_us_are_ours_whatever_they_are_called(tmp_path: Path, media: Path) -> None:
    put(tmp_path / "config.json")
    key = put(tmp_path / "keys" / "1.json", b"a key")
    facts = put(tmp_path / "state" / "stages" / "x.facts", b"facts of a stage")
    (media / "renamed").symlink_to(tmp_path / "config.json")
    (media / "hard").hardlink_to(tmp_path / "keys" / "1.json")
    (media / "stages").symlink_to(tmp_path / "state" / "stages")
    film = put(media / "film")
    own = OwnFiles(files=[tmp_path / "config.json"], state_dir=tmp_path / "state", keys=[tmp_path / "keys"]).below(
        media
    )
    assert QueueFile("renamed", len(b"content")) in own
    assert QueueFile("hard", key.size) in own
    assert QueueFile("stages/x.facts", facts.size) in own
    assert film not in own  # although it has the size of ours
    assert QueueFile("gone", film.size) not in own


def test_upload_folder_is_known_through_links(tmp_path: Path, media: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(media)
    assert QueueFile("state/x", 1) in OwnFiles(state_dir=link / "state").below(media)
    assert QueueFile("state/x", 1) in OwnFiles(state_dir=media / "state").below(link)


def test_upload_folder_that_is_one_of_our_folders_is_a_fault(tmp_path: Path, media: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(media)
    for folder in (media, link):
        assert "folder of the cache files" in OwnFiles(state_dir=media).fault(folder)
        assert "service account keys" in OwnFiles(keys=[media]).fault(folder)
    assert OwnFiles(state_dir=media / "state", keys=[media / "keys"]).fault(media) == ""
    assert OwnFiles(state_dir=tmp_path).fault(media) == ""


def test_configuration_of_rclone_is_looked_for_where_rclone_does() -> None:
    assert rclone_config_paths("/a", {"RCLONE_CONFIG": "/b", "HOME": "/h"}) == [
        Path("/a"),
        Path("/b"),
        Path("/h/.config/rclone/rclone.conf"),
        Path("/h/.rclone.conf"),
    ]
    assert Path("/x/rclone/rclone.conf") in rclone_config_paths(None, {"XDG_CONFIG_HOME": "/x"})
