"""What a file costs below any layers: the sum that was measured, or a bound that is never less."""

from __future__ import annotations

import gzip
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudplow.rclone.destination import look_up
from cloudplow.rclone.remotes import stored_size_bytes
from cloudplow.rclone.stored_sizes import find_layers

DUMP: Final[dict[str, dict[str, Any]]] = {
    "gdrive": {"type": "drive"},
    "other": {"type": "drive"},
    "disk": {"type": "local"},
    "secret": {"type": "crypt", "remote": "gdrive:encrypted"},
    "names": {"type": "crypt", "remote": "gdrive:n", "no_data_encryption": "true"},
    "short": {"type": "alias", "remote": "secret:x"},
    "hashes": {"type": "hasher", "remote": "short:"},
    "chunks": {"type": "chunker", "remote": "gdrive:k", "chunk_size": "100000B"},
    "bare": {
        "type": "chunker",
        "remote": "gdrive:k",
        "chunk_size": "100000B",
        "meta_format": "none",
        "hash_type": "none",
    },
    "sha1": {"type": "chunker", "remote": "gdrive:k", "chunk_size": "100000B", "hash_type": "sha1"},
    "sha1all": {"type": "chunker", "remote": "gdrive:k", "chunk_size": "100000B", "hash_type": "sha1all"},
    "md5all": {"type": "chunker", "remote": "secret:k", "chunk_size": "100000B", "hash_type": "md5all"},
    "md5any": {"type": "chunker", "remote": "hashes:k", "chunk_size": "100000B", "hash_type": "md5all"},
    "quick": {"type": "chunker", "remote": "gdrive:k", "chunk_size": "100000B", "hash_type": "md5quick"},
    "txn": {"type": "chunker", "remote": "gdrive:k", "chunk_size": "100000B", "transactions": "norename"},
    "auto": {"type": "chunker", "remote": "both:k", "chunk_size": "100000B", "transactions": "auto"},
    "odd": {"type": "chunker", "remote": "gdrive:k", "chunk_size": "off", "start_from": "x", "hash_type": "crc"},
    "sechunks": {"type": "crypt", "remote": "chunks:c"},
    "zip": {"type": "compress", "remote": "gdrive:z"},
    "zstd": {"type": "compress", "remote": "gdrive:z", "mode": "zstd"},
    "seczip": {"type": "crypt", "remote": "zip:c"},
    "zipquick": {"type": "compress", "remote": "quick:c"},
    "both": {"type": "union", "upstreams": "gdrive:a other:b"},
    "mixed": {"type": "union", "upstreams": "gdrive:a secret:b:nc"},
    "reading": {"type": "union", "upstreams": "gdrive:a:ro secret:b:writeback"},
    "all": {"type": "union", "upstreams": "gdrive:a secret:b", "create_policy": "all"},
    "all-nc": {"type": "union", "upstreams": "gdrive:a secret:b:nc", "create_policy": "all"},
    "epall": {"type": "union", "upstreams": "gdrive:a secret:b", "create_policy": "epall"},
    "half": {"type": "union", "upstreams": "/mnt/disk secret:b"},
    "folders": {"type": "combine", "upstreams": 'a=gdrive:a "my b=secret:b" c=disk:'},
    "loop": {"type": "union", "upstreams": "loop: back: gdrive:x"},
    "back": {"type": "alias", "remote": "loop:"},
    "self": {"type": "crypt", "remote": "self:"},
    "s3": {"type": "s3"},
    "s3crypt": {"type": "crypt", "remote": "s3:b"},
    "inline": {"type": "union", "upstreams": ":drive:a secret:b"},
}
CRYPT: Final = stored_size_bytes


@pytest.mark.parametrize(
    ("path", "size", "stored"),
    [
        ("gdrive:x", 1_000, 1_000),
        ("secret:", 1_000, CRYPT(1_000, 1)),
        ("hashes:deeper", 1_000, CRYPT(1_000, 1)),
        ("names:", 1_000, 1_000),
        ("chunks:", 100_000, 100_000),
        ("chunks:", 300_000, 300_000 + 76),
        ("chunks:", 130_001, 130_001 + 76),
        ("chunks,chunk_size=1G:", 130_001, 130_001),
        ("bare:", 300_000, 300_000),
        ("sha1:", 300_000, 300_000 + 85),
        ("quick:", 300_000, 300_000 + 76),
        ("txn:", 300_000, 300_000 + 91),
        ("md5all:", 0, 32 + CRYPT(71, 1)),
        ("md5all:", 100_001, CRYPT(100_000, 1) + CRYPT(1, 1) + CRYPT(76, 1)),
        ("sechunks:", 100_000, 100_064 + 76),
        ("both:", 1_000, 1_000),
        ("reading:", 1_000, CRYPT(1_000, 1)),
        ("all:", 1_000, 1_000 + CRYPT(1_000, 1)),
        ("folders:a/x", 1_000, 1_000),
        ("folders:my b", 1_000, CRYPT(1_000, 1)),
        ("folders:c", 1_000, 1_000),
        ("s3crypt:", 1_000, 1_000),
        ("disk:x", 1_000, 1_000),
        ("/mnt/x", 1_000, 1_000),
        ("nowhere:", 1_000, 1_000),
        ("self:", 1_000, 1_000),
        ("folders:unknown", 1_000, 1_000),
    ],
)
def test_exact_sizes(path: str, size: int, stored: int) -> None:
    layer = find_layers(path, DUMP)
    assert layer.stored_bytes(size) == stored
    assert layer.exact


@pytest.mark.parametrize(
    ("path", "bound"),
    [
        ("mixed:", CRYPT(1_000, 1)),
        ("half:", CRYPT(1_000, 1)),
        ("inline:", CRYPT(1_000, 1)),
        ("folders:", CRYPT(1_000, 1)),
        ("epall:", 1_000 + CRYPT(1_000, 1)),
        ("all-nc:", 1_000 + CRYPT(1_000, 1)),
        ("sha1all:", 1_000 + len('{"ver":1,"size":1000,"nchunks":1}') + 50),
        ("auto:", 1_000),
        ("loop:", 1_000),
    ],
)
def test_bounds_of_what_is_not_certain(path: str, bound: int) -> None:
    layer = find_layers(path, DUMP)
    assert layer.stored_bytes(1_000) == bound
    assert not layer.exact


@pytest.mark.parametrize("path", ["zip:", "zstd:", "seczip:", "zipquick:", "sha1all:", "md5any:"])
def test_not_exact_without_a_version(path: str) -> None:
    assert not find_layers(path, DUMP).exact


@pytest.mark.parametrize(
    ("version", "sealed", "sha1all"),
    [
        ("1.60.1-DEV", 1_048 + 165, 1_000 + 83),
        ("1.75.2", 1_048 + 200, 1_000),
        ("1.70.0", None, None),
        ("?", None, None),
    ],
)
def test_a_known_version_makes_more_of_it_exact(version: str, sealed: int | None, sha1all: int | None) -> None:
    for path, stored in (("seczip:", sealed), ("sha1all:", sha1all)):
        layer = find_layers(path, DUMP, version=version)
        assert layer.exact == (stored is not None)
        assert stored is None or layer.stored_bytes(1_000) == stored


def test_hashes_that_nobody_knows_beforehand_may_be_either() -> None:
    below = find_layers("zipquick:", DUMP)
    assert below.stored_bytes(300_000) > find_layers("zip:", DUMP).stored_bytes(300_000) + 76


def test_flags_and_environment_of_the_upload_count() -> None:
    by_flag = look_up("chunks:", DUMP, flags={"--chunker-chunk-size": "50000B"})
    by_variable = look_up("chunks:", DUMP, environ={"RCLONE_CHUNKER_CHUNK_SIZE": "50000B"})
    assert by_flag.stored_bytes(100_000) == by_variable.stored_bytes(100_000) == 100_076


def test_a_destination_says_whether_its_sizes_are_exact() -> None:
    assert look_up("chunks:", DUMP).sizes_are_exact
    assert not look_up("mixed:x", DUMP).sizes_are_exact


@given(st.sampled_from(sorted(DUMP)), st.integers(0, 3 << 40), st.integers(0, 300_000))
def test_larger_files_never_cost_less_and_nothing_costs_less_than_itself(name: str, size: int, more: int) -> None:
    layer = find_layers(f"{name}:", DUMP)
    assert size <= layer.stored_bytes(size) <= layer.stored_bytes(size + more)


@given(st.sampled_from(sorted(DUMP)), st.integers(0, 1_000_000))
def test_no_version_is_never_less_than_a_version(name: str, size: int) -> None:
    bound = find_layers(f"{name}:", DUMP).stored_bytes(size)
    assert all(find_layers(f"{name}:", DUMP, version=one).stored_bytes(size) <= bound for one in ("1.60.1", "1.75.2"))


@given(st.binary(max_size=200_000), st.integers(0, 9))
def test_compressed_data_stay_within_the_bound(data: bytes, level: int) -> None:
    assert len(gzip.compress(data, level)) <= find_layers("zip:", DUMP).stored_bytes(len(data))


@given(
    st.dictionaries(
        st.sampled_from("abcde"),
        st.fixed_dictionaries(
            {"type": st.sampled_from(["drive", "crypt", "chunker", "compress", "union", "combine", "alias"])},
            optional={
                "remote": st.sampled_from([f"{name}:x" for name in "abcde"]),
                "upstreams": st.lists(st.sampled_from([f"{name}:x" for name in "abcde"])).map(" ".join),
            },
        ),
    ),
    st.sampled_from("abcde"),
    st.integers(0, 10 << 30),
)
def test_any_tangle_of_remotes_has_a_size(dump: dict[str, dict[str, str]], name: str, size: int) -> None:
    destination = look_up(f"{name}:", dump)
    assert 0 <= destination.stored_bytes(size) <= destination.stored_bytes(size + 1)
    destination.stored_inquiry([("a/b", size)])
