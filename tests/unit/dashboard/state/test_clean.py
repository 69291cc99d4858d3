"""What may be shown: redaction, names, remotes, documents."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudplow import events
from cloudplow_dashboard.state import clean
from tests.unit.dashboard.helpers import (
    DOCUMENTS,
    EVENTS,
    NAMES,
    NOW,
    file_failed,
    sa_switched,
    session_finished,
    session_started,
    throttle_changed,
)


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ("open /home/ann/media/Show/S01E01.mkv: permission denied", "open S01E01.mkv: permission denied"),
        ("open /mnt/My Media/a film.mkv: input/output error", "open a film.mkv: input/output error"),
        ("open /mnt/My Great Media/a film.mkv: no", "open a film.mkv: no"),
        ('Failed to copy: open "/mnt/x y/z.mkv": no', 'Failed to copy: open "z.mkv": no'),
        ("read C:\\Users\\ann\\key.json failed", "read key.json failed"),
        ("~/.config/rclone/rclone.conf is missing", "rclone.conf is missing"),
        ("denied for ann.b+c@proj.iam.gserviceaccount.com today", "denied for ann.b+c@… today"),
        ("Post https://ann:pw@example.org:8443/rc?token=abc#x refused", "Post https://example.org refused"),
        ('Post "http://localhost:5572/core/stats": refused', 'Post "http://(address)": refused'),
        ("dial tcp 127.0.0.1:5572: connect: refused", "dial tcp (address): connect: refused"),
        ("dial tcp [::1]:5572: refused", "dial tcp (address): refused"),
        ("token=ya29.abcDEF_1-2 expired", "token=(hidden) expired"),
        ("got ya29.abcDEF_1-2 back", "got (hidden) back"),
        ('{"refresh_token": "1//0gabc", "expiry": 5}', '{"refresh_token": (hidden), "expiry": 5}'),
        ("Authorization: Bearer abcdefgh12345", "Authorization: (hidden)"),
        ("sent Bearer abcdefgh12345", "sent Bearer (hidden)"),
        ("Show/S01E01.mkv: file changed 3/4", "Show/S01E01.mkv: file changed 3/4"),
        ("googleapi: Error 403: userRateLimitExceeded", "googleapi: Error 403: userRateLimitExceeded"),
        ("version 1.65.2 at 12:30:05", "version 1.65.2 at 12:30:05"),
        ("local:/srv/films/x is full", "local:x is full"),
        ("", ""),
        (None, ""),
    ],
)
def test_redaction(told: object, shown: str) -> None:
    assert clean.redact(told) == shown


def test_private_keys_vanish() -> None:
    key = "-----BEGIN PRIVATE KEY-----\nMIIabc\ndef==\n-----END PRIVATE KEY-----"

    assert clean.redact(f"bad key {key}.") == "bad key (hidden)."


def test_known_folders_vanish_whatever_they_are_called() -> None:
    folder = "/mnt/odd: name's place"

    assert clean.redact(f"open {folder}/Show/a.mkv: gone", known_paths=[folder]) == "open Show/a.mkv: gone"
    assert clean.redact(f"{folder} is empty", known_paths=[folder]) == "odd: name's place is empty"


@given(st.text(max_size=2000))
def test_redaction_never_fails_and_is_bounded(told: str) -> None:
    shown = clean.redact(told)

    assert len(shown) <= clean.TEXT_LIMIT
    shown.encode("utf-8")


@given(path=st.lists(st.text("abcXYZ 0._", min_size=1, max_size=8), min_size=2, max_size=5))
def test_folders_of_a_path_are_never_shown(path: list[str]) -> None:
    folder = "secretfolder" + "/".join(path[:-1])

    assert "secretfolder" not in clean.redact(f"open /{folder}/x: denied")


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ("gdrive:Media/TV", "gdrive:Media/TV"),
        ("gdrive:", "gdrive:"),
        ("gdrive,token=abc,root_folder_id=x:Media", "gdrive:Media"),
        ('gdrive,token="{a:b}":Media', "gdrive:Media"),
        (":sftp,host=example.org,user=ann:/home/ann/films", ":sftp:films"),
        ("/mnt/target/films", "films"),
        ("./target", "target"),
        ("local:/mnt/target/films/", "local:films"),
        ("", ""),
        (None, ""),
    ],
)
def test_remotes_lose_parameters_and_paths_of_this_machine(told: object, shown: str) -> None:
    assert clean.remote(told) == shown


@pytest.mark.parametrize(
    ("told", "shown"),
    [("/keys/1.json", "1.json"), ("1.json", "1.json"), ("C:\\keys\\2.json", "2.json"), ("/", ""), (None, "")],
)
def test_base_names(told: object, shown: str) -> None:
    assert clean.base_name(told) == shown


def test_names_that_are_not_utf_8_can_be_written() -> None:
    assert clean.file_name("a\udce4.mkv").encode("utf-8") == b"a?.mkv"


def test_long_names_and_texts_are_cut() -> None:
    assert len(clean.file_name("x" * 5000)) == clean.NAME_LIMIT
    assert len(clean.text("x" * 5000)) == clean.TEXT_LIMIT


@pytest.mark.parametrize(
    ("told", "shown"),
    [(5, 5), (2.5, 2.5), (-1, 0), (math.inf, 0), (math.nan, 0), (None, 0), ("7", 0), (10**400, 1 << 63)],
)
def test_numbers(told: object, shown: float) -> None:
    assert clean.number(told) == shown


@given(DOCUMENTS)
def test_documents_hold_no_null_and_no_infinity(told: object) -> None:
    written = json.dumps(clean.document(told), allow_nan=False)

    assert "null" not in written.replace('"null"', "")


@given(st.dictionaries(NAMES, DOCUMENTS, max_size=4))
def test_documents_stay_the_same_when_cleaned_again(told: dict[str, object]) -> None:
    once = clean.mapping(told)

    assert clean.mapping(once) == once


def test_documents_are_bounded() -> None:
    deep: object = "end"
    for _ in range(50):
        deep = [deep]
    wide = clean.document({str(number): number for number in range(clean.DOCUMENT_KEYS + 5)})
    long = clean.document(list(range(clean.DOCUMENT_ITEMS + 5)))

    assert len(wide) == clean.DOCUMENT_KEYS
    assert len(long) == clean.DOCUMENT_ITEMS
    assert json.dumps(clean.document(deep)).count("[") == clean.DOCUMENT_DEPTH
    assert clean.mapping("no object") == {}


def test_the_fields_of_an_event_are_cleaned_by_what_they_are() -> None:
    started = clean.event(
        session_started(upload_folder="/secret/Media", upload_remote="gdrive,token=x:TV", accounts_total=-1), at=NOW
    )
    failed = clean.event(file_failed("/secret/a.mkv", "open /secret/a.mkv: token=x", account="/secret/1.json"), at=NOW)
    switched = clean.event(sa_switched("/secret/2.json", "/secret/1.json", reason="odd"), at=NOW)

    assert (started.upload_folder, started.upload_remote, started.accounts_total) == ("Media", "gdrive:TV", 0)
    assert (failed.name, failed.error, failed.account) == ("a.mkv", "open a.mkv: token=(hidden)", "1.json")
    assert (switched.current, switched.previous, switched.reason) == ("2.json", "1.json", "")


def test_numbers_of_an_event_become_finite_and_whole_where_they_must_be() -> None:
    told: Any = {"files": 2.7, "bytes": math.nan, "files_left": None, "bytes_left": 10**400}
    finished = clean.event(session_finished(next_capacity_at=math.inf, **told), at=NOW)

    assert (finished.files, finished.bytes, finished.files_left, finished.bytes_left) == (2, 0, 0, 1 << 63)
    assert (finished.next_capacity_at, finished.at) == (0, NOW)
    assert clean.event(throttle_changed(None), at=NOW).limit is None


def test_a_known_folder_vanishes_from_the_texts_of_an_event() -> None:
    folder = "/mnt/odd: name's place"
    failed = clean.event(file_failed(error=f"open {folder}/Show/a.mkv: gone"), at=NOW, known_paths=[folder])

    assert failed.error == "open Show/a.mkv: gone"


@given(EVENTS)
def test_every_event_can_be_cleaned_and_told(told: events.Event) -> None:
    cleaned = clean.event(told, at=NOW)

    assert type(cleaned) is type(told)
    events.sentence(cleaned).encode("utf-8")


@pytest.mark.parametrize("value", ["ready", "odd", None, 5, [], events.AccountState.DENIED])
def test_only_known_words_are_words(value: object) -> None:
    known = value in list(events.AccountState)

    assert clean.word(value, events.AccountState) == (value if known else "")
