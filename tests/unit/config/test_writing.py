"""Writing back: defaults of known keys, and a file that is never half written."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest

from cloudplow.config.loader import with_defaults, write_document
from cloudplow.errors import ConfigError

from .documents import SECTIONS, load, minimal


def test_defaults_are_added_to_what_is_there_and_nothing_is_lost() -> None:
    document = minimal(mine={"x": 1}, dashboard={"port": 1})
    document["uploader"]["google"] = {"colour": "red", "max_size_gb": 5, "schedule": {"enabled": True}}
    before = copy.deepcopy(document)
    filled = with_defaults(document, SECTIONS)
    assert document == before
    uploader = filled["uploader"]["google"]
    assert list(uploader)[:3] == ["colour", "max_size_gb", "schedule"]
    assert uploader["max_size_gb"] == 5
    assert uploader["account_quota"] == "750G"
    assert uploader["schedule"] == {"enabled": True, "allowed_from": "00:00", "allowed_until": "00:00"}
    assert uploader["mover"]["enabled"] is False
    assert filled["remotes"]["google"]["rclone_excludes"] == []
    assert filled["dashboard"]["host"] == "127.0.0.1"
    assert filled["mine"] == {"x": 1}
    assert list(filled) == list(document)


def test_filling_defaults_changes_no_meaning_and_is_done_after_one_time() -> None:
    document = minimal(plex={}, core={}, nzbget={}, sabnzbd={}, hidden={"/x": {}})
    filled = with_defaults(document)
    assert load(filled).config == load(document).config
    assert with_defaults(filled) == filled
    assert json.loads(json.dumps(filled)) == filled


def test_values_of_the_wrong_kind_are_left_for_the_check() -> None:
    document = {"core": 3, "remotes": {"a": None}, "uploader": [], "plex": {"rclone": "x"}, "plugins": ["a"]}
    filled = with_defaults(document)
    assert filled["core"] == 3 and filled["remotes"] == {"a": None} and filled["uploader"] == []
    assert filled["plex"]["rclone"] == "x" and filled["plugins"] == ["a"]


def test_file_is_replaced_whole_with_its_mode_and_through_its_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real.json", tmp_path / "config.json"
    real.write_text("old")
    real.chmod(0o640)
    link.symlink_to(real)
    write_document(link, {"a": "é", "b": [1]})
    assert link.is_symlink()
    assert json.loads(real.read_text(encoding="utf-8")) == {"a": "é", "b": [1]}
    assert real.stat().st_mode & 0o777 == 0o640
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.json", "real.json"]


def test_new_file_is_for_its_owner_only(tmp_path: Path) -> None:
    write_document(tmp_path / "config.json", {})
    assert (tmp_path / "config.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("document", [{"a": float("nan")}, {"a": object()}, {"a": "\ud800"}])
def test_document_that_cannot_be_written_leaves_the_old_file(tmp_path: Path, document: dict[str, object]) -> None:
    path = tmp_path / "config.json"
    path.write_text("old")
    with pytest.raises(ConfigError, match="cannot be written"):
        write_document(path, document)
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["config.json"]


def test_missing_folder_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file or directory"):
        write_document(tmp_path / "none" / "config.json", {})
