"""Lines of rclone: the real ones of both versions, and anything else that bytes can hold."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloudplow.rclone.log import (
    Copied,
    Deleted,
    Message,
    Moved,
    Note,
    Plain,
    Problem,
    Serving,
    Skipped,
    Stats,
    parse_line,
    parse_stats,
)
from tests.examples import examples

from .recordings import CODES, SMALL, VERSIONS, lines, messages

both_versions = pytest.mark.parametrize("version", VERSIONS)


def line(**record: Any) -> Message:
    return parse_line(json.dumps(record).encode())


def last_stats(version: str, case: str) -> Stats:
    return [message for message in messages(version, case) if isinstance(message, Stats)][-1]


# Real lines


@both_versions
def test_moved_file_is_copied_then_deleted(version: str) -> None:
    found = messages(version, "moved")
    copied = {message.name: message.size for message in found if isinstance(message, Copied)}
    assert copied == {name: size if version == "1.75" else None for name, size in SMALL.items()}
    assert {message.name for message in found if isinstance(message, Deleted)} == set(SMALL)
    stats = last_stats(version, "moved")
    assert (stats.bytes, stats.files, stats.errors, stats.transferring) == (5017, 4, 0, ())


@both_versions
def test_copied_file_is_not_deleted(version: str) -> None:
    found = messages(version, "copied")
    assert {message.name for message in found if isinstance(message, Copied)} == set(SMALL)
    assert not any(isinstance(message, Deleted) for message in found)


@both_versions
def test_file_that_is_there_already_is_only_deleted(version: str) -> None:
    found = messages(version, "already-there")
    assert {message.name for message in found if isinstance(message, Deleted)} == set(SMALL)
    assert not any(isinstance(message, Copied) for message in found)


@both_versions
def test_dry_run_tells_exact_sizes(version: str) -> None:
    found = messages(version, "dry-run")
    skipped = {message.name: message.size for message in found if isinstance(message, Skipped)}
    assert {name: size for name, size in skipped.items() if name in SMALL} == SMALL
    assert not any(isinstance(message, Copied | Deleted | Problem) for message in found)


@both_versions
def test_rename_inside_a_remote_is_a_move(version: str) -> None:
    found = messages(version, "some-failed")
    assert {message.name for message in found if isinstance(message, Moved)} == set(SMALL) - {"a.mkv"}
    assert any(isinstance(message, Problem) and message.name == "a.mkv" for message in found)


@both_versions
def test_progress_names_what_is_under_way(version: str) -> None:
    running = [message for message in messages(version, "progress") if isinstance(message, Stats)]
    under_way = [one for stats in running for one in stats.transferring]
    assert {one.name for one in under_way} <= {"big.mkv", "other.mkv"}
    assert {one.size for one in under_way if one.name == "big.mkv"} == {4_000_000}
    assert all(0 <= one.bytes <= one.size and 0 <= one.percentage <= 100 for one in under_way)
    assert running[-1].total_bytes == 5_000_000


@both_versions
def test_denial_is_a_problem_of_the_remote_and_of_the_file(version: str) -> None:
    problems = [message for message in messages(version, "denied") if isinstance(message, Problem)]
    assert problems[0].name == "Google drive root 'Media'"
    assert problems[0].text.startswith("Received upload limit error: googleapi: Error 403: User rate limit exceeded.")
    assert any(message.name.endswith(".mkv") and message.text.startswith("Failed to copy") for message in problems)


def test_old_rclone_ends_with_plain_text() -> None:
    assert isinstance(messages("1.60", "denied")[-1], Plain)
    assert isinstance(messages("1.75", "denied")[-1], Note)
    assert isinstance(messages("1.60", "no-remote")[-1], Plain)
    assert isinstance(messages("1.75", "no-remote")[-1], Problem)


@both_versions
def test_usage_text_is_plain(version: str) -> None:
    assert {type(message) for message in messages(version, "unknown-flag")} == {Plain}


@pytest.mark.parametrize("recording", CODES)
def test_every_json_line_of_a_recording_is_understood(recording: str) -> None:
    version, _, case = recording.partition("-")
    for one in lines(version, case):
        assert isinstance(parse_line(one), Plain) == (not one.startswith(b"{"))


# Single lines


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Copied (new)", Copied("a", None)),
        ("Copied (replaced existing)", Copied("a", None)),
        ("Multi-thread Copied (new)", Copied("a", None)),
        ("Copied (server-side copy)", Copied("a", None)),
        ("Moved (server-side)", Moved("a")),
        ("Deleted", Deleted("a")),
        ("Copied something else", Note("a", "Copied something else")),
        ("Removing directory", Note("a", "Removing directory")),
    ],
)
def test_what_an_info_line_means(text: str, message: Message) -> None:
    assert line(level="info", msg=text, object="a") == message


def test_line_about_no_file_moves_none() -> None:
    assert line(level="info", msg="Deleted") == Note("", "Deleted")
    assert line(level="info", msg="Copied (new)") == Note("", "Copied (new)")


@pytest.mark.parametrize("level", ["error", "critical", "fatal", "ERROR", "panic"])
def test_levels_that_are_problems(level: str) -> None:
    assert isinstance(line(level=level, msg="x"), Problem)


@pytest.mark.parametrize("level", ["warning", "notice", "info", "debug", ""])
def test_levels_that_are_none(level: str) -> None:
    assert line(level=level, msg="x") == Note("", "x")


def test_error_that_says_copied_moves_nothing() -> None:
    assert isinstance(line(level="error", msg="Copied (new)", object="a"), Problem)


def test_success_after_a_retry_is_no_problem_although_it_comes_as_an_error() -> None:
    assert line(level="error", msg="Attempt 2/3 succeeded") == Note("", "Attempt 2/3 succeeded")
    assert isinstance(line(level="error", msg="Attempt 2/3 failed with 1 errors and: x"), Problem)


def test_name_that_looks_like_json_stays_a_name() -> None:
    name = '{"level":"info","msg":"Deleted"}\r\u202e'
    assert line(level="info", msg="Deleted", object=name) == Deleted(name)


def test_names_with_lone_surrogates_can_be_printed() -> None:
    message = parse_line(rb'{"level":"info","msg":"Deleted","object":"a\ud800b"}')
    assert message == Deleted("a?b")


@pytest.mark.parametrize("size", [-1, 1.5e300, True, "5", None, [], 10**50])
def test_size_that_is_none_is_no_size(size: Any) -> None:
    message = line(level="info", msg="Copied (new)", object="a", size=size)
    assert isinstance(message, Copied)
    assert message.size is None or 0 <= message.size <= 1 << 62


@pytest.mark.parametrize("eta", [None, 5, 0])
def test_unknown_eta_stays_unknown(eta: int | None) -> None:
    assert parse_stats({"eta": eta}).eta == eta


# Anything


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
KEYS = ["level", "msg", "object", "size", "skipped", "stats", "time", "source"]
STATS_KEYS = [
    "bytes",
    "totalBytes",
    "speed",
    "eta",
    "transfers",
    "totalTransfers",
    "errors",
    "transferring",
    "checking",
]
ITEM_KEYS = ["name", "size", "bytes", "speed", "eta", "percentage"]
ITEMS = st.lists(VALUES | st.dictionaries(st.sampled_from(ITEM_KEYS), VALUES | st.just(10**400)), max_size=3)
STATS = st.dictionaries(st.sampled_from(STATS_KEYS), VALUES | ITEMS | st.just(10**400))


def check(message: Message) -> None:
    """Whatever it was, it can be shown, stored and added up."""
    text = json.dumps(dataclasses.asdict(message), allow_nan=False)
    text.encode("utf-8")
    if isinstance(message, Stats):
        for number in (message.bytes, message.total_bytes, message.files, message.speed, message.eta or 0):
            assert 0 <= number <= 1 << 62 or (isinstance(number, float) and math.isfinite(number))
    if isinstance(message, Copied | Moved | Deleted | Skipped):
        assert message.name


@settings(max_examples=examples(300))
@given(st.binary())
def test_no_bytes_raise(data: bytes) -> None:
    check(parse_line(data))
    check(parse_line(b"{" + data))


@settings(max_examples=examples(300))
@given(st.dictionaries(st.sampled_from(KEYS), VALUES | STATS))
def test_no_json_raises(record: dict[str, Any]) -> None:
    check(parse_line(json.dumps(record).encode()))


@given(st.sampled_from(list(CODES)), st.data())
def test_no_damage_to_a_real_line_raises(recording: str, data: st.DataObject) -> None:
    version, _, case = recording.partition("-")
    whole = data.draw(st.sampled_from(lines(version, case) or [b""]))
    cut = data.draw(st.integers(0, len(whole)))
    check(parse_line(whole[:cut]))
    check(parse_line(whole[:cut] + data.draw(st.binary(max_size=4)) + whole[cut:]))


def test_deeply_nested_line_is_plain() -> None:
    nested = b'{"a":' + b"[" * 100_000
    assert parse_line(nested) == Plain(nested.decode())


@pytest.mark.parametrize("level", ["warning", "notice"])
def test_where_the_remote_control_listens(level: str) -> None:
    line = json.dumps({"level": level, "msg": "Serving remote control on http://127.0.0.1:43985/"}).encode()
    assert parse_line(line) == Serving(43985)


@pytest.mark.parametrize("record", [{"object": "a"}, {"msg": "Serving remote control on http://192.0.2.1:80/"}])
def test_other_lines_do_not_say_where_it_listens(record: dict[str, str]) -> None:
    line = {"level": "notice", "msg": "Serving remote control on http://127.0.0.1:43985/"} | record
    assert isinstance(parse_line(json.dumps(line).encode()), Note)


def test_a_call_that_failed_is_no_problem_of_the_upload() -> None:
    line = {"level": "error", "msg": 'rc: "core/bwlimit": error: bad bwlimit: empty string'}
    assert isinstance(parse_line(json.dumps(line).encode()), Note)
    assert isinstance(parse_line(json.dumps(line | {"object": "a.mkv"}).encode()), Problem)
