"""Names as rclone lists them, back to paths: as recorded with both versions."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudplow.models import printable_name
from cloudplow.upload.local_files import exists, inodes_below, is_plain, local_path

DATA: Final = Path(__file__).parents[2] / "data" / "rclone"
FOLDER: Final = Path("/mnt/media")


def recorded(version: str) -> list[tuple[str, str]]:
    """Pairs of a real name and how rclone lists it."""
    pairs = json.loads((DATA / f"{version}-names.json").read_text())
    return [(os.fsdecode(bytes.fromhex(true)), os.fsdecode(bytes.fromhex(shown))) for true, shown in pairs]


PAIRS: Final = [pair for version in ("1.60", "1.75") for pair in recorded(version)]


@pytest.mark.parametrize(("true", "shown"), PAIRS, ids=[ascii(shown) for _, shown in PAIRS])
def test_recorded_name_leads_to_its_file(true: str, shown: str) -> None:
    assert os.fsencode(local_path(FOLDER, shown)) == os.fsencode(f"{FOLDER}/{true}")
    assert is_plain(shown) == (true == shown)


def encode(name: str) -> str:
    """What rclone shows of a name, as observed."""
    pictures = {chr(code): chr(0x2400 + code) for code in range(1, 32)} | {"\x7f": "\u2421"}
    quoted = {*pictures.values(), "\u201b"}
    return "".join("\u201b" + char if char in quoted else pictures.get(char, char) for char in name)


PARTS = st.text(
    st.characters(codec="utf-8", exclude_characters="/\0") | st.sampled_from("\n\t\x7f\u240a\u201b\u2421"), min_size=1
).filter(lambda part: part not in (".", ".."))


@given(st.lists(PARTS, min_size=1, max_size=3).map("/".join))
def test_any_name_survives_the_way_there_and_back(name: str) -> None:
    assert str(local_path(FOLDER, encode(name))) == f"{FOLDER}/{name}"


@given(st.text(st.characters(codec="utf-8")))
def test_any_shown_name_is_some_path(shown: str) -> None:
    assert local_path(FOLDER, shown).parts[0] == "/"


@given(st.binary(min_size=1))
def test_printable_name_can_be_printed_and_hides_only_what_is_no_utf8(data: bytes) -> None:
    name = os.fsdecode(data)
    shown = printable_name(name)
    shown.encode("utf-8")
    assert (shown == name) == (not any("\udc80" <= char <= "\udcff" for char in name))
    assert len(shown) == len(name)


def test_file_is_gone_only_when_that_is_certain(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a").touch()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    assert exists(tmp_path, "folder/a")
    assert exists(tmp_path, "link")
    assert not exists(tmp_path, "folder/b")
    assert not exists(tmp_path, "folder/a/b")
    assert not exists(tmp_path, "gone/b")
    # Its path is only a guess, or cannot be asked about.
    assert exists(tmp_path, "a\u240ab")
    assert exists(tmp_path, "a\0b")
    assert exists(tmp_path, "x" * 300)


def test_numbers_of_files_are_found_wherever_they_were_moved_below_the_folder(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "one").touch()
    (tmp_path / "two").touch()
    (tmp_path / "loop").symlink_to(tmp_path)
    before = inodes_below(tmp_path)
    assert (tmp_path / "two").stat().st_ino in before
    number = (tmp_path / "a" / "one").stat().st_ino
    (tmp_path / "a" / "one").rename(tmp_path / "renamed")
    assert number in inodes_below(tmp_path) == before
    assert inodes_below(tmp_path / "gone") == frozenset()
