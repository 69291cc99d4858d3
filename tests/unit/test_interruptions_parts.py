"""The parts of the interruption rounds that need no process: choice, judgement, damage, table."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.fake_drive import StoredFile, Usage
from tests.interruptions.books import Account, UnreadableError, read_answer, read_ledger
from tests.interruptions.damage import BOOKS, Copies
from tests.interruptions.judging import (
    Fault,
    Files,
    Finding,
    judge_books,
    judge_denials,
    judge_end,
    judge_files,
    judge_outputs,
    judge_rest,
    judge_told,
)
from tests.interruptions.playing import Round
from tests.interruptions.scenario import MIXED, STATE_KINDS, Kind, Scenario, choose
from tests.interruptions.table import as_markdown, make_table, show_line
from tests.interruptions.telling import read_told

RCLONES = ("/old/rclone", "/new/rclone")
SEEDS = range(1, 1 + 40 * len(Kind))


@cache
def rounds() -> tuple[Scenario, ...]:
    return tuple(choose(seed, RCLONES) for seed in SEEDS)


# Choice


def test_a_seed_is_one_scenario() -> None:
    assert rounds() == tuple(choose(seed, RCLONES) for seed in SEEDS)
    assert len({str(scenario) for scenario in rounds()}) == len(SEEDS)


def test_every_kind_has_rounds_of_its_own_with_each_rclone() -> None:
    counts = Counter((scenario.label, scenario.rclone) for scenario in rounds())
    assert min(counts[kind, rclone] for kind in Kind for rclone in RCLONES) >= 8
    assert counts[MIXED, RCLONES[0]] > 100


def test_a_round_that_is_not_mixed_interrupts_in_one_way_only() -> None:
    for scenario in rounds():
        if scenario.label != MIXED:
            assert scenario.steps[-1].kind == scenario.label


def test_never_more_than_one_blow_to_the_state_folder() -> None:
    for scenario in rounds():
        blows = [step.kind for step in scenario.steps if step.kind in STATE_KINDS or "book" in step.kind]
        assert len(blows) <= 1


def test_folders_are_renamed_only_when_files_are_moved() -> None:
    assert {one.command for one in rounds() if Kind.RENAMED in one.kinds} == {"move"}
    assert {one.command for one in rounds()} == {"move", "copy"}


def test_no_file_needs_more_than_an_account_may_take() -> None:
    for scenario in rounds():
        assert 1 <= len(scenario.steps) <= 3
        assert 3 <= scenario.accounts <= 5
        assert max(scenario.sizes) < scenario.quota_bytes / 2


# Judgement


def usage(used: int, denials: int = 0) -> Usage:
    return Usage(committed=used, received=used, in_window=used, denials=denials, uploads=1)


def faults(findings: list[Finding]) -> list[tuple[Fault, int]]:
    return [(finding.fault, finding.amount) for finding in findings]


def test_what_is_in_doubt_counts_as_spent_but_not_in_the_end() -> None:
    drive = {"1.json": usage(100), "2.json": usage(50), "3.json": usage(0)}
    books = {"1.json": Account(60, 40), "2.json": Account(49)}
    assert faults(judge_books(books, drive, "now")) == [(Fault.BELOW, 1)]
    assert faults(judge_end(books, drive)) == [(Fault.UNEQUAL, 0), (Fault.UNEQUAL, -1)]
    assert judge_end({"1.json": Account(100), "2.json": Account(50)}, drive) == []


def test_denials_count_unless_they_were_provoked() -> None:
    drive = {"1.json": usage(1, denials=2), "2.json": usage(1, denials=3)}
    assert faults(judge_denials(drive, {"2.json"})) == [(Fault.DENIED, 2)]


def files(**changes: Any) -> Files:
    """a and b arrived, c is still at the source."""
    known = {"a": (1, "A"), "b": (2, "B"), "c": (3, "C")}
    arrived = {"a": StoredFile(1, "A", "1.json", ""), "b": StoredFile(2, "B", "1.json", "")}
    right = Files(known, renamed=(), at_source={"c": 3}, arrived=arrived, duplicates=(), moving=True)
    return replace(right, **changes)


def test_files_that_are_here_or_there_are_right() -> None:
    assert judge_files(files()) == []
    assert judge_files(files(at_source={"a": 1, "b": 2, "c": 3}, moving=False)) == []


def test_a_file_that_is_nowhere_is_lost_and_a_copy_may_not_take_the_source() -> None:
    assert faults(judge_files(files(at_source={}))) == [(Fault.LOST, 1)]
    assert faults(judge_files(files(at_source={"c": 2}))) == [(Fault.LOST, 1)]
    assert faults(judge_files(files(moving=False))) == [(Fault.LOST, 1)] * 2


def test_a_file_may_arrive_under_both_its_names() -> None:
    known = {**files().known, "d": (3, "C")}
    new = files(known=known, renamed={"c"}, at_source={"d": 3})
    assert judge_files(new) == []
    arrived = {**new.arrived, "c": StoredFile(3, "C", "1.json", ""), "d": StoredFile(3, "C", "1.json", "")}
    assert judge_files(replace(new, at_source={}, arrived=arrived)) == []


def test_files_there_twice_or_with_other_content_are_found() -> None:
    arrived = {**files().arrived, "a": StoredFile(1, "X", "1.json", "")}
    found = judge_files(files(arrived=arrived, duplicates=["b"], at_source={"a": 1, "c": 3}))
    assert faults(found) == [(Fault.DAMAGED, 1), (Fault.DOUBLE, 1)]


@pytest.mark.parametrize(
    ("status", "limit", "found"),
    [(3, 5, []), (3, 6, [(Fault.LEFT, 1)]), (0, 5, [(Fault.LEFT, 1)]), (1, 5, [(Fault.ENDED_BADLY, 1)])],
)
def test_only_what_fits_nowhere_may_be_left(status: int, limit: int, found: list[tuple[Fault, int]]) -> None:
    assert faults(judge_rest(files(), {"1.json": usage(3)}, {"1.json": limit}, status)) == found


def told(*names: str, session: str = "s", done: tuple[int, int] | None = None) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = [
        {"signal": "file_transferred", "name": name, "size": ord(name) - 96, "session_id": session} for name in names
    ]
    if done is not None:
        events.append({"signal": "session_finished", "files": done[0], "bytes": done[1], "session_id": session})
    return events


def test_every_file_is_told_once() -> None:
    assert judge_told(files(), told("a", session="killed") + told("b", done=(1, 2))) == []
    assert faults(judge_told(files(), told("a", "b", "a"))) == [(Fault.DOUBLE_TOLD, 1)]
    assert faults(judge_told(files(), told("b"))) == [(Fault.UNTOLD, 1)]
    assert judge_told(files(), told("b"), kills=1) == [], "a killed process tells nothing more"
    assert judge_told(files(at_source={"a": 1, "c": 3}), told("b")) == []


def test_wrong_sums_and_files_that_never_arrived_are_found() -> None:
    assert faults(judge_told(files(), told("a", "b", "c"))) == [(Fault.SUMS, 1)]
    assert faults(judge_told(files(), told("a", "b", done=(2, 4)))) == [(Fault.SUMS, 1)]


def test_a_traceback_is_found() -> None:
    assert judge_outputs({"output.1.txt": "all is well"}) == []
    found = judge_outputs({"output.1.txt": "Traceback (most recent call last):\n  ...\nKeyError: 1\n"})
    assert [finding.text for finding in found] == ["output.1.txt has a traceback: KeyError: 1"]


# Books


def test_the_answer_and_the_ledger_say_the_same() -> None:
    record = {"account": "1.json", "used_bytes": 5, "in_flight_bytes": 2, "unsettled_bytes": 3, "limit_bytes": 20}
    stage = {"planned_bytes": 9, "charged_bytes": 4}
    ledger = {"google": {"/keys/1.json": {"bytes": 5, "open_stage": stage}}}
    assert read_answer(json.dumps({"google": [record]})) == {"1.json": Account(5, 5)} == read_ledger(json.dumps(ledger))


@pytest.mark.parametrize("text", ["", "{}", '{"google": [{}]}', '{"google": 5}'])
def test_an_answer_that_says_nothing_is_unreadable(text: str) -> None:
    with pytest.raises(UnreadableError):
        read_answer(text)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    folder = tmp_path / "state"
    folder.mkdir()
    for name in (*BOOKS, "cloudplow.db-wal"):
        (folder / name).write_bytes(b"old " * 100)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("choice", [0.0, 0.2, 0.4, 0.6, 0.8, 0.99])
@pytest.mark.parametrize("kind", [Kind.BOOK_OLDER, Kind.BOOK_REMOVED, Kind.BOOK_TORN])
def test_exactly_one_book_is_damaged(state: Path, tmp_path: Path, kind: Kind, choice: float) -> None:
    copies = Copies(tmp_path / "copies")
    copies.take(state)
    for name in contents(state):
        (state / name).write_bytes(b"new " * 100)
    before = contents(state)

    said = copies.damage(state, kind, choice)

    after = contents(state)
    changed = {name.removesuffix("-wal") for name in before if before[name] != after.get(name)}
    assert len(changed) == 1
    assert said.startswith(changed.pop())
    if kind is Kind.BOOK_OLDER and choice == 0.0:
        assert {name for name in after if after[name].startswith(b"old")} == {"cloudplow.db", "cloudplow.db-wal"}


def test_without_a_book_nothing_is_damaged(tmp_path: Path) -> None:
    assert Copies(tmp_path / "copies").damage(tmp_path, Kind.BOOK_REMOVED, 0.5) == ""


def test_a_line_that_was_cut_off_was_not_told(tmp_path: Path) -> None:
    path = tmp_path / "told.jsonl"
    assert read_told(path) == []
    path.write_text('{"signal": "file_transferred"}\n{"signal": "fi')
    assert read_told(path) == [{"signal": "file_transferred"}]


# Table


def test_the_table_counts_rounds_not_findings() -> None:
    scenario = choose(1, RCLONES, [Kind.TERM])
    wrong = [Finding(Fault.BELOW, 5, ""), Finding(Fault.BELOW, 7, ""), Finding(Fault.LOST, 1, "")]
    results = [
        Round(scenario, Path("1"), findings=wrong),
        Round(scenario, Path("2")),
        Round(scenario, Path("3"), skipped="no compiler"),
        Round(scenario, Path("4"), findings=wrong, too_late=True),
    ]
    head, row, whole = make_table(results)
    counts = dict(zip(head, row, strict=True))
    assert (counts["rounds"], counts["wrong"]) == ("2", "1")
    assert [fault for fault in Fault if counts[fault] != "0"] == [Fault.BELOW, Fault.LOST]
    assert (row[0], whole[0], whole[1:]) == ("SIGTERM", "all", row[1:])
    assert as_markdown([head, row]).splitlines()[1].startswith("| --- | ---: |")


def test_a_line_says_what_was_wrong() -> None:
    scenario = choose(1, RCLONES, [Kind.TERM])
    assert "  right  [" in show_line(Round(scenario, Path()))
    assert "WRONG lost 1" in show_line(Round(scenario, Path(), findings=[Finding(Fault.LOST, 1, "")]))
    assert "SKIPPED no compiler" in show_line(Round(scenario, Path(), skipped="no compiler"))
