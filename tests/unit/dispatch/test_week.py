"""A simulated week against an independent oracle, and the sentence of every sampled minute.

The oracle knows nothing of the scheduler's code: it goes through the week second by second in its own words, with the
clock on the wall as text.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import Phase as Part
from hypothesis import given, settings
from hypothesis import strategies as st

from cloudplow.dispatch.entry import Phase
from cloudplow.scheduling.due import Rules
from cloudplow.scheduling.windows import Window
from tests.unit.dispatch.simulated import SimulatedHost, Simulation, Uploader, World, banned, used_up

GB = 1 << 30
BERLIN = ZoneInfo("Europe/Berlin")
WEEK = 7 * 86400
#: How many weeks are played; by hand more of them, with the sentence of every minute.
WEEKS_PLAYED = int(os.environ.get("CLOUDPLOW_TEST_WEEKS", "3"))
#: Sentences are compared so often, in minutes.
SAMPLED = 7 if WEEKS_PLAYED < 10 else 1
#: Sundays in which the clocks change, and an ordinary week.
WEEKS = {"spring": "2026-03-24", "autumn": "2026-10-20", "ordinary": "2026-06-01"}


@pytest.fixture(autouse=True)
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    # Whatever starts, starts because it was computed, not because the scheduler happens to look.
    monkeypatch.setattr("cloudplow.dispatch.dispatcher.LOOK_SECONDS", 3600.0)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def midnight(week: str) -> float:
    return datetime.fromisoformat(WEEKS[week]).replace(tzinfo=BERLIN).timestamp()


def wall_clock(at: float) -> str:
    return datetime.fromtimestamp(at, BERLIN).strftime("%H:%M")


@dataclass
class Plan:
    """What a configuration says, as a person reads it. hours: ("22:00", "06:00"), or None."""

    every_minutes: int
    at_gb: int
    gb_an_hour: float
    hours: tuple[str, str] | None
    takes_minutes: int
    #: After the first upload: how long a trigger keeps it asleep, or quota is gone; 0 for neither.
    asleep_minutes: int = 0
    cooling_minutes: int = 0
    #: A syncer: it has nothing to measure, and begins whenever its time has come.
    syncs: bool = False

    def may_start(self, at: float) -> bool:
        if self.hours is None:
            return True
        begin, end = self.hours
        now = wall_clock(at)
        return begin <= now < end if begin < end else now >= begin or now < end

    def uploader(self) -> Uploader:
        window = None
        if self.hours is not None:
            minutes = [int(text[:2]) * 60 + int(text[3:]) for text in self.hours]
            window = Window(minutes[0], minutes[1])
        one = Uploader(
            Rules(self.every_minutes * 60.0, self.at_gb * GB, window, measures=not self.syncs),
            bytes=GB,
            grows=self.gb_an_hour * GB / 3600,
            takes_seconds=self.takes_minutes * 60.0,
            check_seconds=0.0,
        )
        if self.asleep_minutes:
            one.ends = [banned(self.asleep_minutes * 60.0, "rate limit"), None]
        elif self.cooling_minutes:
            one.ends = [used_up(self.cooling_minutes * 60.0), None]
        return one


@dataclass
class Oracle:
    """One uploader by itself, minute by minute. starts: when uploads begin, in epoch seconds."""

    plan: Plan
    now: float
    #: What was there at the time `since`.
    size_gb: float = 1.0
    since: float = 0.0
    last_end: float | None = None
    asleep_until: float = 0.0
    cooling_until: float | None = None
    busy_until: float = 0.0
    first: bool = True
    starts: list[float] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)

    def minute(self) -> None:
        plan, now = self.plan, self.now
        self.since = self.since or now
        self.now += 60
        if now < self.busy_until:
            self.kinds.append("busy")
            return
        if self.busy_until:
            self._end()
        if not plan.may_start(now):
            self.kinds.append("outside")
        elif now < self.asleep_until:
            self.kinds.append("asleep")
        elif self.cooling_until is not None and now < self.cooling_until:
            self.kinds.append("cooling")
        elif self.cooling_until is not None:
            self._start(now)
        elif self.last_end is not None and now < self.last_end + plan.every_minutes * 60:
            self.kinds.append("syncer waiting" if plan.syncs else "waiting")
        elif plan.syncs or self.size_gb + plan.gb_an_hour * (now - self.since) / 3600 >= plan.at_gb:
            self._start(now)
        else:
            self.last_end = now
            self.kinds.append("waiting")

    def _start(self, now: float) -> None:
        self.starts.append(now)
        self.busy_until = now + self.plan.takes_minutes * 60
        self.cooling_until = None
        self.kinds.append("busy")

    def _end(self) -> None:
        end, self.busy_until = self.busy_until, 0.0
        self.last_end = end
        if self.first and self.plan.asleep_minutes:
            self.asleep_until = end + self.plan.asleep_minutes * 60
        elif self.first and self.plan.cooling_minutes:
            self.cooling_until = end + self.plan.cooling_minutes * 60
        else:
            self.size_gb, self.since = 0, end
        self.first = False


#: What the sentence must contain while the oracle says this; "busy": a check or an upload.
WORDS = {
    "outside": "outside ",
    "asleep": "asleep until ",
    "cooling": " cooling, ",
    "waiting": "next check ",
    "syncer waiting": "waiting: next sync ",
}

hours = st.tuples(st.integers(0, 47), st.integers(0, 47)).filter(lambda pair: pair[0] != pair[1])
plans = st.builds(
    Plan,
    every_minutes=st.sampled_from([15, 30, 60, 240]),
    at_gb=st.sampled_from([0, 50, 200]),
    gb_an_hour=st.sampled_from([1.13, 10.7, 41.9]),
    hours=st.one_of(
        st.none(),
        hours.map(
            lambda pair: (f"{pair[0] // 2:02}:{pair[0] % 2 * 30:02}", f"{pair[1] // 2:02}:{pair[1] % 2 * 30:02}")
        ),
    ),
    takes_minutes=st.sampled_from([5, 90, 600]),
    asleep_minutes=st.sampled_from([0, 0, 300, 1500]),
    cooling_minutes=st.sampled_from([0, 0, 240, 1440]),
)
# Syncers are not there yet: these stand in for them.
syncers = st.builds(
    Plan,
    every_minutes=st.sampled_from([360, 1440]),
    at_gb=st.just(0),
    gb_an_hour=st.just(0.0),
    hours=st.none(),
    takes_minutes=st.sampled_from([20, 400]),
    asleep_minutes=st.sampled_from([0, 1500]),
    syncs=st.just(True),
)


# Each week is ten thousand minutes; in CI a few of them are played, at random.
@settings(max_examples=WEEKS_PLAYED, phases=(Part.explicit, Part.reuse, Part.generate))
@given(
    week=st.sampled_from(sorted(WEEKS)),
    plans=st.tuples(st.lists(plans, min_size=3, max_size=3), st.lists(syncers, min_size=2, max_size=2)).map(
        lambda both: [*both[0], *both[1]]
    ),
)
def test_every_start_of_a_week_is_when_a_person_expects_it_and_every_sentence_is_right(
    week: str, plans: list[Plan]
) -> None:
    begin = midnight(week)
    host = SimulatedHost(World(begin), {f"u{number}": plan.uploader() for number, plan in enumerate(plans)})
    sim = Simulation(host, max_parallel=len(plans))
    oracles = {f"u{number}": Oracle(plan, begin) for number, plan in enumerate(plans)}
    said: dict[str, list[str]] = {name: [] for name in oracles}

    def sample() -> None:
        for name in oracles:
            phase = sim.dispatcher.entries[name].phase
            said[name].append("busy" if phase is Phase.UPLOADING else sim.why(name))

    sim.run(WEEK, sample, every_seconds=60 * SAMPLED)
    for name, oracle in oracles.items():
        for _ in range(WEEK // 60):
            oracle.minute()
        got = [at for one, at, _ in host.starts if one == name]
        # The scheduler looks a moment after the full minute, and these moments add up to some seconds in a week.
        expected = [at // 60 for at in oracle.starts]
        assert [at // 60 for at in got] == expected, (oracle.plan, [wall_clock(at) for at in got])
        _sentences_are_right(oracle, said[name])


def _sentences_are_right(oracle: Oracle, said: list[str]) -> None:
    """In every minute, except the one in which something changes."""
    # What is said at the end of a minute is what the oracle says of the next one, or still what it said of this one.
    for number, text in zip(range(SAMPLED - 1, len(oracle.kinds) - 1, SAMPLED), said, strict=False):
        kinds = oracle.kinds[number], oracle.kinds[number + 1]
        if text == "measuring what is to be uploaded":
            continue
        assert any((text == "busy") if kind == "busy" else WORDS[kind] in text for kind in kinds), (
            oracle.plan,
            number,
            kinds,
            text,
        )


@pytest.mark.parametrize("week", WEEKS)
def test_a_night_in_which_the_clocks_change_has_one_start_of_its_window(week: str) -> None:
    begin = midnight(week)
    plan = Plan(every_minutes=30, at_gb=0, gb_an_hour=10, hours=("02:15", "02:45"), takes_minutes=60)
    host = SimulatedHost(World(begin), {"google": plan.uploader()})
    Simulation(host).run(WEEK, every_seconds=600)
    days = [datetime.fromtimestamp(at, BERLIN).date().isoformat() for _, at, _ in host.starts]
    # In spring that half hour does not exist on the 29th; in autumn it comes twice, but the first upload lasts an hour.
    assert len(days) == {"spring": 6, "autumn": 7, "ordinary": 7}[week] + (
        week == "autumn" and days.count("2026-10-25") - 1
    )
    assert all(plan.may_start(at) for _, at, _ in host.starts)


def test_a_suspended_machine_and_a_clock_that_leaps_start_what_is_due_once_and_nothing_outside_its_hours() -> None:
    begin = midnight("ordinary")
    plans = [
        Plan(30, 0, 10, ("22:00", "06:00"), 5),
        Plan(60, 100, 10, None, 5),
        Plan(15, 0, 1, ("08:00", "20:00"), 5, cooling_minutes=240),
    ]
    host = SimulatedHost(World(begin), {f"u{number}": plan.uploader() for number, plan in enumerate(plans)})
    sim = Simulation(host)
    for leap in (6 * 3600, -3 * 3600, 26 * 3600, -86400, 40):
        sim.run(9 * 3600)
        started = len(host.starts)
        sim.sleep(leap)
        sim.run(120)
        assert len(host.starts) - started <= len(plans)
    for name, at, _ in host.starts:
        assert plans[int(name[1:])].may_start(at - 5) or plans[int(name[1:])].may_start(at), wall_clock(at)
    assert {name for name, _, _ in host.starts} == {"u0", "u1", "u2"}
