"""Files that somebody holds open."""

from __future__ import annotations

from pathlib import Path

from cloudplow.upload.local_files import open_files_below


def test_only_files_below_the_folder_that_are_open_count(tmp_path: Path) -> None:
    folder = tmp_path / "Media"
    (folder / "deep").mkdir(parents=True)
    names = ("open.mkv", "deep/open\udcff ü.mkv", "closed.mkv")
    for name in names:
        (folder / name).touch()
    (tmp_path / "Media2").mkdir()
    (tmp_path / "Media2" / "x.mkv").touch()

    with (folder / names[0]).open("rb"), (folder / names[1]).open("rb"), (tmp_path / "Media2" / "x.mkv").open("rb"):
        assert open_files_below(folder) == {str(folder / name) for name in names[:2]}
    assert open_files_below(folder) == frozenset()


def test_exceptions_do_not_count(tmp_path: Path) -> None:
    for name in ("a.partial", "b.mkv"):
        (tmp_path / name).touch()

    with (tmp_path / "a.partial").open("rb"), (tmp_path / "b.mkv").open("rb"):
        assert open_files_below(tmp_path, except_containing=["partial"]) == {str(tmp_path / "b.mkv")}


def test_links_are_followed_to_the_folder(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "real" / "a").touch()

    with (tmp_path / "link" / "a").open("rb"):
        assert open_files_below(tmp_path / "link") == {str(tmp_path / "real" / "a")}
