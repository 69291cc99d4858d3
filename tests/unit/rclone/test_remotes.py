"""Which drives lie below a remote, however it is layered, and what crypt makes of a size."""

from __future__ import annotations

from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudplow.rclone.remotes import (
    account_environment,
    crypt_layers_above_drive,
    drive_remotes_below,
    is_known,
    key_in_connection_string,
    remote_name,
    stored_size_bytes,
)

DUMP: Final[dict[str, dict[str, Any]]] = {
    "gdrive": {"type": "drive"},
    "other": {"type": "drive"},
    "my-drive": {"type": "drive"},
    "disk": {"type": "local"},
    "secret": {"type": "crypt", "remote": "gdrive:encrypted"},
    "twice": {"type": "crypt", "remote": "secret:more"},
    "chunks": {"type": "chunker", "remote": "secret:"},
    "short": {"type": "alias", "remote": "chunks:Media"},
    "many": {"type": "union", "upstreams": "gdrive:a other:b:ro disk:/mnt /plain/path"},
    "old-union": {"type": "union", "remotes": "gdrive:a other:b"},
    "folders": {"type": "combine", "upstreams": 'films=secret:films "my shows=other:shows" raw=disk:'},
    "cached": {"type": "cache", "remote": "my-drive:"},
    "option": {"type": "alias", "remote": "gdrive,shared_with_me:Media"},
    "loop": {"type": "alias", "remote": "pool:"},
    "pool": {"type": "union", "upstreams": "loop: gdrive: pool:"},
    "self": {"type": "crypt", "remote": "self:"},
    "dangling": {"type": "crypt", "remote": "nowhere:x"},
    "broken": {"type": "crypt", "remote": 5},
    "quotes": {"type": "combine", "upstreams": 'a="gdrive:x b=other:y'},
    "typeless": {"remote": "gdrive:"},
    "mixed": {"type": "union", "upstreams": "gdrive:a secret:b"},
    "keyed": {"type": "alias", "remote": "gdrive,service_account_file=/k.json:Media"},
    "keyed-below": {"type": "crypt", "remote": "keyed:y"},
}


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("gdrive:Media", "gdrive"),
        ("gdrive:", "gdrive"),
        ("gdrive,shared_with_me=true:x", "gdrive"),
        ("my drive:x", "my drive"),
        ("/mnt/a:b", None),
        ("/mnt/media", None),
        ("relative/a:b", None),
        ("./a:b", None),
        (":drive:x", None),
        (":drive,scope=drive:x", None),
        ("plain", None),
        ("", None),
    ],
)
def test_remote_of_a_path(path: str, name: str | None) -> None:
    assert remote_name(path) == name


@pytest.mark.parametrize(
    ("path", "drives"),
    [
        ("gdrive:Media", ("gdrive",)),
        ("gdrive,team_drive=x:Media", ("gdrive",)),
        ("disk:/mnt", ()),
        ("/mnt/media", ()),
        ("nowhere:", ()),
        ("secret:", ("gdrive",)),
        ("twice:", ("gdrive",)),
        ("short:", ("gdrive",)),
        ("many:", ("gdrive", "other")),
        ("old-union:", ("gdrive", "other")),
        ("folders:", ("other", "gdrive")),
        ("cached:", ("my-drive",)),
        ("option:", ("gdrive",)),
        ("loop:", ("gdrive",)),
        ("pool:", ("gdrive",)),
        ("self:", ()),
        ("dangling:", ()),
        ("broken:", ()),
        ("typeless:", ()),
    ],
)
def test_every_drive_below_a_remote_is_found(path: str, drives: tuple[str, ...]) -> None:
    assert drive_remotes_below(path, DUMP) == drives


def test_list_with_unbalanced_quotes_is_read_as_far_as_it_goes() -> None:
    assert "other" in drive_remotes_below("quotes:", DUMP)


@given(
    st.dictionaries(
        st.sampled_from("abcde"),
        st.fixed_dictionaries(
            {"type": st.sampled_from(["drive", "crypt", "alias", "union", "combine", "local"])},
            optional={
                "remote": st.sampled_from([f"{name}:x" for name in "abcde"]),
                "upstreams": st.lists(st.sampled_from([f"{name}:x" for name in "abcde"])).map(" ".join),
            },
        ),
    ),
    st.sampled_from("abcde"),
)
def test_any_tangle_of_remotes_comes_to_an_end(dump: dict[str, dict[str, str]], name: str) -> None:
    found = drive_remotes_below(f"{name}:", dump)
    assert len(set(found)) == len(found)
    assert all(dump[one]["type"] == "drive" for one in found)
    assert crypt_layers_above_drive(f"{name}:", dump) <= len(dump)


def test_account_reaches_every_drive_through_the_environment() -> None:
    assert account_environment(("gdrive", "my-drive"), "/keys/1.json") == {
        "RCLONE_CONFIG_GDRIVE_SERVICE_ACCOUNT_FILE": "/keys/1.json",
        "RCLONE_CONFIG_MY-DRIVE_SERVICE_ACCOUNT_FILE": "/keys/1.json",
        "RCLONE_CONFIG_GDRIVE_SERVICE_ACCOUNT_CREDENTIALS": "",
        "RCLONE_CONFIG_MY-DRIVE_SERVICE_ACCOUNT_CREDENTIALS": "",
    }


@pytest.mark.parametrize(
    ("path", "remote"),
    [
        ("gdrive:Media", None),
        ("gdrive,shared_with_me:Media", None),
        ("gdrive,service_account_file=/k.json:Media", "gdrive"),
        ("gdrive,shared_with_me,service_account_credentials='{}':Media", "gdrive"),
        ("keyed:", "gdrive"),
        ("keyed-below:x", "gdrive"),
        ("loop:", None),
        ("/mnt/a,service_account_file=b", None),
    ],
)
def test_a_key_in_a_connection_string_is_found_wherever_it_stands(path: str, remote: str | None) -> None:
    assert key_in_connection_string(path, DUMP) == remote


@pytest.mark.parametrize(
    ("path", "known"), [("gdrive:x", True), ("/mnt", True), (":drive:x", True), ("nowhere:x", False)]
)
def test_only_a_named_remote_has_to_be_configured(path: str, known: bool) -> None:
    assert is_known(path, DUMP) == known


@pytest.mark.parametrize(
    ("path", "layers"),
    [
        ("gdrive:", 0),
        ("secret:", 1),
        ("twice:", 2),
        ("short:", 1),
        ("many:", 0),
        ("loop:", 0),
        ("folders:films/new", 1),
        ("folders:my shows", 0),
        ("folders:raw", 0),
        ("folders:", 1),
        ("mixed:", 1),
        ("self:", 0),
        ("dangling:", 0),
        ("disk:", 0),
        ("/mnt", 0),
    ],
)
def test_layers_of_encryption_above_the_drive(path: str, layers: int) -> None:
    assert crypt_layers_above_drive(path, DUMP) == layers


@pytest.mark.parametrize(
    ("size", "stored"),
    [(0, 32), (1, 49), (65_536, 65_584), (65_537, 65_601), (1 << 30, (1 << 30) + 32 + 16 * 16_384)],
)
def test_crypt_adds_a_header_and_sixteen_bytes_a_block(size: int, stored: int) -> None:
    assert stored_size_bytes(size, 0) == size
    assert stored_size_bytes(size, 1) == stored
    assert stored_size_bytes(size, 2) == stored_size_bytes(stored, 1)
