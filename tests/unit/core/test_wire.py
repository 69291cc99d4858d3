"""Events as JSON: every kind comes back as it was, and what is not an event is refused with a sentence."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from enum import StrEnum
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudplow import events
from cloudplow.events import Event
from cloudplow.events.wire import EVENT_TYPES, decode, encode

#: File names of a disk need not be UTF-8; then they hold lone surrogates.
TEXTS = st.text(st.characters(), max_size=8)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(1 << 60), 1 << 60)
DOCUMENTS = st.dictionaries(TEXTS, st.recursive(NUMBERS | TEXTS | st.booleans() | st.none(), st.lists, max_leaves=4))


def values(hint: Any) -> st.SearchStrategy[Any]:
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return st.none() | st.one_of([values(one) for one in inner if one is not NoneType])
    if origin is tuple and inner[1:] == (...,):
        return st.lists(values(inner[0]), max_size=3).map(tuple)
    if origin is tuple:
        return st.tuples(*(values(one) for one in inner))
    if origin is not None and issubclass(origin, Mapping):
        return DOCUMENTS
    if issubclass(hint, StrEnum):
        return st.sampled_from(hint)
    if dataclasses.is_dataclass(hint):
        return made(hint)
    simple: dict[type, st.SearchStrategy[Any]] = {
        str: TEXTS,
        bool: st.booleans(),
        int: st.integers(-(1 << 60), 1 << 60),
        float: NUMBERS,
    }
    return simple[hint]


def made(kind: Any) -> st.SearchStrategy[Any]:
    hints = get_type_hints(kind)
    return st.builds(kind, **{field.name: values(hints[field.name]) for field in dataclasses.fields(kind)})


@pytest.mark.parametrize("kind", EVENT_TYPES.values(), ids=EVENT_TYPES)
@given(data=st.data())
def test_every_event_comes_back_as_it_was(kind: type[Event], data: st.DataObject) -> None:
    event = data.draw(made(kind))

    back = decode(json.loads(json.dumps(encode(event), allow_nan=False)))

    assert back == event
    assert type(back) is kind


def test_every_kind_of_event_is_known() -> None:
    others = {"session_recovered", "transfers_recovered", "program_followed", "session_joined", "program_ended"}
    assert set(EVENT_TYPES) == set(events.SIGNALS) | others


def test_codes_come_back_as_codes_and_not_as_texts() -> None:
    event = events.SaSwitched(
        previous="", current="1.json", account_index=0, accounts_total=1, reason=events.SwitchReason.FIRST
    )

    back = decode(json.loads(json.dumps(encode(event))))

    assert isinstance(back, events.SaSwitched)
    assert back.reason is events.SwitchReason.FIRST


def test_what_a_newer_version_adds_is_ignored() -> None:
    event = events.UploaderSuspended(uploader="google", reason="night", until=5.0)

    assert decode(encode(event) | {"mood": "good"}) == event
    assert decode({"signal": "moon_risen", "at": 1}) is None


def test_what_an_older_version_lacks_has_its_default() -> None:
    document = encode(events.UploaderResumed(reason="night", until=5.0))
    del document["until"]

    assert decode(document) == events.UploaderResumed(reason="night")


RESUMED = encode(events.UploaderResumed(reason="night"))


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({}, "must name"),
        ({"signal": 5}, "must name"),
        ({"signal": "uploader_resumed"}, "lacks a field"),
        (RESUMED | {"reason": 5}, r"UploaderResumed.reason cannot be '5'"),
        (RESUMED | {"seq": True}, "seq cannot be"),
        (RESUMED | {"seq": 1.5}, "seq cannot be"),
        (RESUMED | {"at": "now"}, "at cannot be"),
        (RESUMED | {"until": []}, "until cannot be"),
        ({"signal": "accounts_learned", "accounts": 5}, "accounts cannot be"),
        ({"signal": "accounts_learned", "accounts": [5]}, "accounts cannot be"),
        ({"signal": "accounts_learned", "accounts": [{}]}, "accounts AccountQuota lacks a field"),
        ({"signal": "sa_switched", "reason": "whim"}, "whim"),
        ({"signal": "quota_changed", "returns": [[1]]}, "returns must have 2 values"),
    ],
)
def test_what_is_not_an_event_is_refused(document: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        decode(document)
