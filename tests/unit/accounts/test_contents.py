"""The rows of the book: what one cannot read does not keep the others from being read."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudplow.accounts.booked_stage import StageFile
from cloudplow.accounts.contents import Contents, arrived_row, entry_key, entry_row, fact_row, read_rows, stage_rows
from cloudplow.accounts.entry import Charge, Entry
from cloudplow.accounts.trusted_clock import Anchor
from cloudplow.state.book_file import Rows
from tests.unit.accounts.test_booked_stage import make_stage
from tests.unit.helpers import NOON, stage_file


def rows_of(content: Contents) -> Rows:
    rows: Rows = {entry_key(*one): entry_row(entry) for one, entry in content.entries.items()}
    for number, stage in content.stages.items():
        rows |= {key: value for key, value in stage_rows(number, stage, with_files=True).items() if value is not None}
    for uploader, files in content.arrived.items():
        rows["arrived", uploader] = arrived_row(files) or b""
    for name, fact in content.facts.items():
        rows["fact", name] = fact_row(fact) or b""
    return rows


@pytest.fixture
def content() -> Contents:
    return Contents(
        entries={
            ("google", "anna"): Entry(charges=[Charge(NOON, NOON, 5)]),
            ("tv 4k", "b\u00e9n"): Entry(total_bytes=7),
            ("tv_4k", "b\u00e9n"): Entry(total_bytes=8),
        },
        stages={7: make_stage([stage_file("a\udcff", 5), stage_file("b", 6)])},
        arrived={"google": {"x": StageFile("x", 5, 0, 3, 4)}},
        facts={"generation": 9, "waiting": {"a": 1}, "clock": Anchor("boot", 5.0, NOON, 0.0, NOON - 1)._asdict()},
        last_stage=7,
    )


def test_content_is_read_as_it_was_written(content: Contents, caplog: pytest.LogCaptureFixture) -> None:
    read = read_rows(rows_of(content))
    assert read == content
    assert read.generation == 9
    assert read.anchor == Anchor("boot", 5.0, NOON, 0.0, NOON - 1)
    assert caplog.text == ""


def test_empty_book_has_neither_generation_nor_clock() -> None:
    assert (read_rows({}).generation, read_rows({}).anchor) == (0, None)


def test_last_number_of_a_stage_is_remembered_when_the_stage_is_gone(content: Contents) -> None:
    content.facts["last_stage"] = 12
    assert read_rows(rows_of(content)).last_stage == 12


def test_row_that_cannot_be_read_is_named_and_left_out(content: Contents) -> None:
    said: list[str] = []
    rows = rows_of(content) | {
        ("account", "no json"): b"{}",
        ("account", '["only one"]'): b"{}",
        ("account", '["google", "ben"]'): b"{",
        ("arrived", "other"): b"x",
        ("fact", "broken"): b"[" * 100_000,
        ("stage", "no number"): b"{}",
        ("of a later version", "x"): b"?",
    }
    assert read_rows(rows, said.append) == content
    assert len(said) == 5
    assert all(one.startswith("cloudplow.db: the row ") for one in said)


@pytest.mark.parametrize("document", [b"", b"{", b"[]", b"5", b"\xff"])
def test_stage_that_cannot_be_read_at_all_does_not_keep_the_others_from_being_read(
    content: Contents, document: bytes
) -> None:
    said: list[str] = []
    read = read_rows(rows_of(content) | {("stage", "8"): document}, said.append)
    assert read.stages == content.stages
    assert read.last_stage == 8
    assert len(said) == 1


def test_stage_without_its_list_counts_as_spent_with_what_it_charged(content: Contents) -> None:
    content.stages[7].charges.append(Charge(NOON + 1, NOON + 1, 100))
    rows = rows_of(content)
    del rows["files", "7"]
    read = read_rows(rows, lambda _message: None)
    assert read.stages == {}
    assert sum(charge.bytes for charge in read.entries["google", "anna"].charges) == 5 + 100 + 11


def test_rows_of_a_stage_that_is_gone_are_removed() -> None:
    assert stage_rows(7, None, with_files=False) == {("stage", "7"): None, ("files", "7"): None, ("states", "7"): None}
    assert arrived_row({}) is None
    assert fact_row(None) is None


@given(
    st.dictionaries(
        st.tuples(
            st.sampled_from(["account", "stage", "files", "states", "arrived", "fact", "x"]),
            st.sampled_from(["1", "google", '["google", "anna"]', "generation", "clock", "exported"]) | st.text(),
        ),
        st.binary()
        | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(lambda v: json.dumps(v).encode()),
        max_size=8,
    )
)
def test_whatever_the_rows_hold_they_can_be_read(rows: Rows) -> None:
    content = read_rows(rows, lambda _message: None)
    assert content.generation >= 0
    assert content.anchor is None or content.anchor.at >= 0
