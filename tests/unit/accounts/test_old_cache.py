"""Bans from the old program's `cache.db`: whatever is in it, the program starts, and no ban is for ever."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from cloudplow.accounts.old_cache import OldBan, read_bans
from tests.unit.helpers import NOON


@pytest.fixture
def said() -> list[str]:
    return []


def make_cache(path: Path, table: str, key: str, value: object) -> None:
    with closing(sqlite3.connect(path)) as made:
        made.execute(f"CREATE TABLE {table} (key TEXT PRIMARY KEY, value)")
        made.execute(f"INSERT INTO {table} VALUES (?, ?)", (key, value))
        made.commit()


def test_without_the_file_there_are_none(tmp_path: Path, said: list[str]) -> None:
    assert read_bans(tmp_path / "cache.db", said.append) == []
    assert read_bans(tmp_path, said.append) == []
    assert said == []


@pytest.mark.parametrize(
    ("table", "value", "expected"),
    [
        ("sa_bans", {"/sa/1.json": NOON, "/sa/2.json": None}, [OldBan("google", "/sa/1.json", NOON)]),
        ("uploader_bans", NOON, [OldBan("google", "", NOON)]),
        ("syncer_bans", NOON, [OldBan("google", "", NOON)]),
        ("sa_bans", None, []),
    ],
)
def test_bans_of_every_table_are_read(
    tmp_path: Path, said: list[str], table: str, value: object, expected: list[OldBan]
) -> None:
    make_cache(tmp_path / "cache.db", table, "google", json.dumps(value))
    before = (tmp_path / "cache.db").read_bytes()
    assert read_bans(tmp_path / "cache.db", said.append) == expected
    assert (tmp_path / "cache.db").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["cache.db"]
    assert said == []


@pytest.mark.parametrize(
    "value",
    [
        *(
            b"\xff",
            "",
            "{",
            "[1]",
            '"x"',
            "true",
            "-1",
            "0",
            "Infinity",
            "NaN",
            "1e999",
            "9" * 400,
            "[" * 100_000,
            None,
        ),
        '{"/sa/1.json": Infinity, "/sa/2.json": "soon", "/sa/3.json": [1], "/sa/4.json": true}',
    ],
)
@pytest.mark.parametrize("table", ["sa_bans", "uploader_bans"])
def test_value_that_is_no_time_is_no_ban(tmp_path: Path, said: list[str], table: str, value: object) -> None:
    make_cache(tmp_path / "cache.db", table, "google", value)
    assert read_bans(tmp_path / "cache.db", said.append) == []


def test_number_that_was_not_written_as_text_is_read_too(tmp_path: Path, said: list[str]) -> None:
    make_cache(tmp_path / "cache.db", "uploader_bans", "google", NOON)
    assert read_bans(tmp_path / "cache.db", said.append) == [OldBan("google", "", NOON)]


@pytest.mark.parametrize("content", [b"", b"x" * 500, b"SQLite format 3\0" + b"x" * 500])
def test_file_that_is_no_database_is_ignored_with_a_warning(tmp_path: Path, said: list[str], content: bytes) -> None:
    (tmp_path / "cache.db").write_bytes(content)
    assert read_bans(tmp_path / "cache.db", said.append) == []
    assert len(said) == 1
    assert "so they are ignored" in said[0]


def test_table_without_the_columns_is_ignored_with_a_warning(tmp_path: Path, said: list[str]) -> None:
    with closing(sqlite3.connect(tmp_path / "cache.db")) as made:
        made.execute("CREATE TABLE sa_bans (name TEXT)")
    assert read_bans(tmp_path / "cache.db", said.append) == []
    assert len(said) == 1


def test_database_of_something_else_is_ignored_with_a_warning(tmp_path: Path, said: list[str]) -> None:
    make_cache(tmp_path / "cache.db", "songs", "google", NOON)
    assert read_bans(tmp_path / "cache.db", said.append) == []
    assert len(said) == 1
