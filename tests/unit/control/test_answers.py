"""One line in, one line out: whatever a caller sends is answered with one clear sentence or with what was asked for."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudplow.control.answers import MAX_LINE_BYTES, answer
from cloudplow.control.client import read_answer
from cloudplow.errors import BusyError, CloudplowError


def echo(request: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"echo": request.get("text")}


def answered(line: bytes | str, **more: Any) -> dict[str, Any]:
    line = line.encode() if isinstance(line, str) else line
    sent = answer({"echo": echo, **more}, line)
    assert sent.endswith(b"\n")
    assert sent.count(b"\n") == 1
    document: dict[str, Any] = json.loads(sent)
    return document


def test_a_request_gets_what_its_handler_returns() -> None:
    assert answered('{"do": "echo", "text": "héllo"}') == {"ok": True, "echo": "héllo"}


def test_a_line_may_end_as_on_windows() -> None:
    assert answered('{"do": "echo"}\r')["ok"] is True


@pytest.mark.parametrize(
    ("line", "part"),
    [
        (b"", "one JSON object"),
        (b"status", "one JSON object"),
        (b'{"do": "echo"', "one JSON object"),
        (b"\xff\xfe\x00\x01", "one JSON object"),
        (b"GET / HTTP/1.1\r", "one JSON object"),
        (b'{"do": "echo", "text": NaN}', "one JSON object"),
        (b"[" * 60_000, "one JSON object"),
        (b"1" * 5000, "one JSON object"),
        (b'["do", "echo"]', "not a list"),
        (b"7", "not 7"),
        (b'"' + b"x" * 5000 + b'"', 'not "' + "x" * 39 + "..."),
        (b"{}", '"do" is one of "echo"'),
        (b'{"do": "dance"}', '"do" cannot be "dance": it is one of "echo"'),
        (b'{"do": null}', '"do" cannot be null'),
        (b'{"do": ["echo"]}', '"do" cannot be a list'),
        (b'{"do": {"do": "echo"}}', '"do" cannot be an object'),
        (b'{"do": "' + b"x" * MAX_LINE_BYTES + b'"}', "at most 65,536 bytes"),
    ],
)
def test_rubbish_is_answered_with_one_sentence(line: bytes, part: str) -> None:
    document = answered(line)

    assert document.keys() == {"ok", "error"}
    assert document["ok"] is False
    assert part in document["error"]
    assert len(document["error"]) < 200


@given(
    st.binary(max_size=200) | st.recursive(st.none() | st.text(), st.lists).map(lambda one: json.dumps(one).encode())
)
def test_whatever_comes_is_answered(line: bytes) -> None:
    assert answered(line.replace(b"\n", b""))["ok"] is False


@pytest.mark.parametrize("error", [BusyError("an upload is in the way"), ValueError("an upload is in the way")])
def test_a_handler_that_refuses_gives_its_sentence(error: Exception) -> None:
    def refuse(_request: Mapping[str, Any]) -> Mapping[str, Any]:
        raise error

    assert answered('{"do": "refuse"}', refuse=refuse) == {"ok": False, "error": "an upload is in the way"}


@pytest.mark.parametrize("result", [KeyError("secret"), {"x": math.inf}, {"x": object()}, None])
def test_a_fault_of_ours_is_logged_and_not_shown(result: Any, caplog: pytest.LogCaptureFixture) -> None:
    def broken(_request: Mapping[str, Any]) -> Mapping[str, Any]:
        if isinstance(result, Exception):
            raise result
        found: Mapping[str, Any] = result
        return found

    with caplog.at_level(logging.ERROR):
        document = answered('{"do": "broken"}', broken=broken)

    assert document == {"ok": False, "error": "this failed through a fault in cloudplow; its log says more"}
    assert "'broken'" in caplog.text


# The other side


def test_an_answer_is_read_without_its_ok() -> None:
    assert read_answer(b'{"ok": true, "stopping": ["google"]}\n') == {"stopping": ["google"]}


def test_a_refusal_is_raised_with_its_sentence() -> None:
    with pytest.raises(CloudplowError, match=r"^there is no uploader$"):
        read_answer(b'{"ok": false, "error": "there is no uploader"}\n')


@pytest.mark.parametrize(
    "line",
    [b"HTTP/1.1 400 Bad Request", b"[]", b'{"ok": 1}', b'{"ok": false}', b"\xff", b'{"ok": true, "cut of', b"[" * 9999],
)
def test_what_cloudplow_would_not_answer_is_said_to_be_that(line: bytes) -> None:
    with pytest.raises(CloudplowError, match="does not answer as cloudplow does"):
        read_answer(line)
