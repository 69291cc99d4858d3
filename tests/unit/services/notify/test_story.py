"""Which events people are told of, in which words, and how often."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import pytest

from cloudplow import events
from cloudplow.events import AccountState, Event, SessionOutcome, StageOutcome
from cloudplow.services.notify.levels import Level
from cloudplow.services.notify.memory import AGAIN_SECONDS, LIMIT, Memory
from cloudplow.services.notify.story import Story
from cloudplow.services.notify.texts import REASON_LIMIT, TEXT_LIMIT
from tests.unit.helpers import DAY, HOUR, NOON

from .made import GIB, account, ended, learned, resumed, stage, stage_ended, started, suspended


@pytest.fixture
def story() -> Story:
    return Story(Memory())


def texts(story: Story, *told: Event) -> list[str]:
    return [message.text for event in told for message in story.take(event)]


def levels(story: Story, *told: Event) -> list[Level]:
    return [message.level for event in told for message in story.take(event)]


def test_an_upload_is_two_messages_with_all_that_people_ask(story: Story) -> None:
    began, done = texts(story, started(), learned(), stage(), stage_ended(), stage_ended(account="2.json"), ended())

    assert began == "google: upload began: 412 files, 750.0 GB with 2 accounts"
    assert done == "google: done: 412 files, 750.0 GB uploaded with 2 accounts in 1h 0m (213.3 MB/s)"


def test_what_is_left_is_told_with_its_reason_and_when_it_goes_on(story: Story) -> None:
    texts(story, started(), learned(), stage())
    (text,) = texts(
        story,
        ended(
            SessionOutcome.QUOTA_USED,
            files_left=7,
            bytes_left=GIB,
            next_capacity_at=NOON + 2 * HOUR,
            reason="the quota of every account is used up",
        ),
    )

    lines = text.splitlines()
    assert lines[0].startswith("google: stopped, all quota is used: 412 files")
    assert lines[1] == "Left: 7 files, 1.0 GB"
    assert lines[2].startswith("More quota at ")
    assert lines[3] == "the quota of every account is used up"


@pytest.mark.parametrize(
    ("outcome", "level"),
    [
        (SessionOutcome.DONE, Level.INFO),
        (SessionOutcome.QUOTA_USED, Level.INFO),
        (SessionOutcome.FAILED, Level.ERROR),
        (SessionOutcome.INTERRUPTED, Level.WARNING),
    ],
)
def test_how_much_an_end_matters(story: Story, outcome: SessionOutcome, level: Level) -> None:
    assert levels(story, started(), ended(outcome)) == [level]


def test_a_regular_start_that_finds_nothing_is_not_told(story: Story) -> None:
    assert texts(story, started(), learned(0, 0), ended(files=0, bytes=0)) == []


def test_files_that_wait_for_quota_are_told_once_a_day_and_not_at_each_check(story: Story) -> None:
    def check(at: float) -> list[str]:
        end = ended(SessionOutcome.QUOTA_USED, at, files=0, bytes=0, files_left=3, bytes_left=9, reason="all used")
        return texts(story, started(at), learned(), end)

    told = [check(NOON + number * HOUR / 2) for number in range(48)]

    assert [len(one) for one in told] == [1] + [0] * 47
    assert told[0][0].startswith("google: the quota of every account is used")
    assert len(check(NOON + DAY)) == 1


def test_quota_that_is_back_is_told_once_when_something_goes(story: Story) -> None:
    texts(story, started(), ended(SessionOutcome.QUOTA_USED, files=0, bytes=0))

    assert texts(story, started(NOON + DAY), learned(), stage(NOON + DAY)) == [
        "google: there is quota again, and the upload goes on",
        "google: upload began: 412 files, 750.0 GB with 2 accounts",
    ]
    assert texts(story, stage(NOON + DAY)) == []


def test_a_wait_inside_a_session_is_told_as_quota_when_no_account_is_ready(story: Story) -> None:
    texts(story, started(), learned(), stage(), account(AccountState.COOLING), account(AccountState.DENIED, "2.json"))

    first = texts(story, suspended("the quota of every account is used up", NOON + HOUR), resumed(), stage())
    again = texts(story, suspended("the quota of every account is used up", NOON + 2 * HOUR), resumed(), stage())

    assert [text.partition("; ")[0] for text in first] == [
        "google: the quota of every account is used",
        "google: there is quota again, and the upload goes on",
    ]
    assert again == []


def test_a_suspension_is_told_if_it_is_long_and_so_is_its_end(story: Story) -> None:
    assert texts(story, suspended("no network", NOON + 5), resumed()) == []
    sleeps, goes_on = texts(story, suspended("a plugin says no", None), suspended("still", None), resumed(), resumed())
    assert sleeps == "google: uploads are suspended: a plugin says no"
    assert goes_on == "google: uploads go on"


def test_a_trigger_is_told_with_its_account_once_a_day(story: Story) -> None:
    event = stage_ended(StageOutcome.TRIGGERED, reason='"0/s" was seen 5 times')
    (text,) = texts(story, event, event)
    assert text == 'google: a trigger stopped the run of 1.json: "0/s" was seen 5 times'


def test_an_account_that_is_set_aside_is_told_once(story: Story) -> None:
    gone = account(AccountState.FAILED, why="its key was revoked")
    assert texts(story, account(AccountState.READY), gone, gone, account(AccountState.READY), gone) == [
        "google: account 1.json is set aside: its key was revoked"
    ]


def test_the_same_failure_is_told_once_a_day_until_something_succeeds(story: Story) -> None:
    def fail(at: float, reason: str = "the folder is not there") -> list[str]:
        return texts(story, ended(SessionOutcome.FAILED, at, files=0, bytes=0, session_id="x", reason=reason))

    assert len(fail(NOON)) == 1
    assert fail(NOON + HOUR) == []
    assert len(fail(NOON + HOUR, "no rclone")) == 1
    texts(story, started(), ended())
    assert len(fail(NOON + 2 * HOUR)) == 1
    assert len(fail(NOON + 2 * HOUR + DAY)) == 1


@pytest.mark.parametrize("whole", [True, False])
def test_nothing_is_told_of_a_dry_run(whole: bool) -> None:
    story = Story(Memory(), dry_run=whole)
    dry = started(dry_run=True)
    assert texts(story, dry, learned(), stage(), stage_ended(), ended()) == []


@dataclass(frozen=True, slots=True, kw_only=True)
class Started(events.SessionStarted):
    run_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished(events.SessionFinished):
    run_id: str = ""


def with_run(event: Any, **more: Any) -> Any:
    kind = Started if isinstance(event, events.SessionStarted) else Finished
    fields = {field.name: getattr(event, field.name) for field in dataclasses.fields(event)}
    return kind(**(fields | more | {"run_id": "r1"}))


def test_sessions_of_one_wait_are_one_beginning_and_one_end(story: Story) -> None:
    told = []
    for number in range(3):
        session = f"s{number}"
        outcome = SessionOutcome.QUOTA_USED if number < 2 else SessionOutcome.DONE
        told += texts(
            story,
            with_run(started(NOON + number * HOUR, session=session)),
            learned(session=session),
            stage(session=session),
            with_run(ended(outcome, NOON + (number + 1) * HOUR, files=10, bytes=GIB), session_id=session),
        )

    kinds = [text.split(": ")[1].partition(";")[0] for text in told]
    assert kinds == [
        "upload began",
        "the quota of every account is used",
        "there is quota again, and the upload goes on",
        "done",
    ]
    assert told[-1].startswith("google: done: 30 files, 3.0 GB uploaded in 3h 0m")


def test_a_wait_that_ends_with_the_program_is_told_then(story: Story) -> None:
    texts(story, with_run(started()), stage(), with_run(ended(SessionOutcome.QUOTA_USED, files_left=1)))

    (message,) = story.close()

    assert message.text.startswith("google: stopped, all quota is used: 412 files")


def test_texts_are_short_and_one_line_each_whatever_a_reason_holds(story: Story) -> None:
    (text,) = texts(story, ended(SessionOutcome.FAILED, reason="a\nb\x1b[31m\u202e" + "x" * 5000))
    assert len(text) <= TEXT_LIMIT
    assert len(text.splitlines()[-1]) <= REASON_LIMIT
    assert "\x1b" not in text and "\u202e" not in text


def test_memory_survives_a_restart_and_anything_in_its_file() -> None:
    memory = Memory()
    assert memory.is_news("quota", "google", NOON)
    again = Memory(memory.document())
    assert not again.is_news("quota", "google", NOON + 60)
    assert again.is_news("quota", "google", NOON + AGAIN_SECONDS)
    assert again.is_news("quota", "google", NOON - 60), "the clock was set back"
    strange: list[Any] = [None, {}, {"told": []}, {"told": {"x": "y", "z": True}}]
    for stored in strange:
        assert Memory(stored).document() == {"told": {}}


def test_memory_is_bounded_and_tells_nothing_of_what_it_remembers() -> None:
    memory = Memory()
    for number in range(LIMIT + 50):
        memory.is_news("failed", f"uploader {number}", NOON + number, "a token: s3cr3t")
    kept = memory.document()["told"]
    assert len(kept) == LIMIT
    assert "s3cr3t" not in str(kept)
