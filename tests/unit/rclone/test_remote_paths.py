"""Paths and options are read as rclone reads them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudplow.rclone.remote_paths import RemotePath, Settings, join_path, size_bytes, split_path
from cloudplow.rclone.remotes import remote_name


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("gdrive:", RemotePath("gdrive", {}, "")),
        ("gdrive:/Films/new/", RemotePath("gdrive", {}, "Films/new")),
        ("my drive,shared_with_me:x:y", RemotePath("my drive", {"shared_with_me": "true"}, "x:y")),
        ("a,b=c,d=:x", RemotePath("a", {"b": "c", "d": ""}, "x")),
        ("a,b='c:d,''e',f=\"g\"\"h\":x", RemotePath("a", {"b": "c:d,'e", "f": 'g"h'}, "x")),
        ("/mnt/a:b", None),
        (":drive:x", None),
        ("plain", None),
        ("a,b", None),
        ("", None),
    ],
)
def test_path_is_taken_apart(path: str, parts: RemotePath | None) -> None:
    assert split_path(path) == parts


@given(st.text(alphabet="ab:,/='\" ", max_size=12))
def test_any_text_is_read_or_refused(text: str) -> None:
    parts = split_path(text)
    assert parts is None or parts.name == remote_name(text)


@pytest.mark.parametrize(
    ("path", "name", "joined"),
    [
        ("g:", "a", "g:a"),
        ("g:a", "b", "g:a/b"),
        ("g:a/", "b", "g:a/b"),
        ("/", "b", "/b"),
        ("/a", "", "/a"),
        ("", "", ""),
    ],
)
def test_names_are_joined_to_paths(path: str, name: str, joined: str) -> None:
    assert join_path(path, name) == joined


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("100M", 100 << 20),
        ("2Gi", 2 << 30),
        ("1.5GiB", 3 << 29),
        ("100000B", 100_000),
        ("64", 64 << 10),
        ("off", None),
        ("", None),
        ("-1", None),
    ],
)
def test_sizes_are_read_as_rclone_reads_them(text: str, size: int | None) -> None:
    assert size_bytes(text) == size


def test_options_are_looked_for_in_the_order_of_rclone() -> None:
    dump = {"my-chunks": {"type": "chunker", "chunk_size": "1M", "hash_type": ""}}
    path = split_path("my-chunks:x")
    told = split_path("my-chunks,chunk_size=5M:x")
    assert path is not None and told is not None
    generic = {"RCLONE_CHUNKER_CHUNK_SIZE": "2M"}
    special = {**generic, "RCLONE_CONFIG_MY-CHUNKS_CHUNK_SIZE": "3M"}
    flags = {"--chunker-chunk-size": "4M", "--chunker-fail-hard": None}

    assert Settings(dump).option(path, "hash_type", "md5") == "md5"
    assert Settings(dump).option(path, "chunk_size") == "1M"
    assert Settings(dump, environ=generic).option(path, "chunk_size") == "2M"
    assert Settings(dump, environ=special).option(path, "chunk_size") == "3M"
    assert Settings(dump, flags, special).option(path, "chunk_size") == "4M"
    assert Settings(dump, flags, special).option(told, "chunk_size") == "5M"
    assert Settings(dump, flags).option(path, "fail_hard") == "true"
