"""When checks and uploads start, and what is said meanwhile, on a simulated machine."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from cloudplow.dispatch import steering
from cloudplow.dispatch.host import Ended
from cloudplow.errors import CloudplowError
from cloudplow.events import SessionOutcome, UploaderChecked, UploaderResumed, UploaderStatusChanged, UploaderSuspended
from cloudplow.scheduling.due import Rules
from cloudplow.scheduling.windows import Window
from tests.unit.dispatch.simulated import (
    SimulatedHost,
    Simulation,
    Uploader,
    World,
    banned,
    failing,
    finished,
    not_begun,
    used_up,
)

GB = 1 << 30
#: 2026-01-05 00:00 UTC, a Monday.
MONDAY = 1_767_571_200.0
HALF_HOUR = Rules(1800.0, 400 * GB)


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


def simulate(*, max_parallel: int = 1, regular: bool = True, waits: bool = True, **uploaders: Uploader) -> Simulation:
    host = SimulatedHost(World(MONDAY), uploaders)
    return Simulation(host, max_parallel=max_parallel, regular=regular, waits=waits)


def starts(sim: Simulation, name: str = "google") -> list[float]:
    return [at - MONDAY for one, at, _ in sim.host.starts if one == name]


def checks(sim: Simulation, name: str = "google") -> list[float]:
    return [at - MONDAY for one, at in sim.host.checks if one == name]


def test_below_the_threshold_it_is_measured_once_an_interval_and_says_how_much_there_is() -> None:
    sim = simulate(google=Uploader(HALF_HOUR, bytes=212 * GB))
    sim.run(3 * 3600)
    assert sim.host.starts == []
    assert checks(sim) == pytest.approx([n * 1805.0 for n in range(6)], abs=1)
    assert sim.why("google") == "waiting: 212.0 GB of 400.0 GB, next check 03:00"
    status = sim.dispatcher.status()["google"]
    assert (status.state, status.bytes_left) == ("waiting", 212 * GB)
    checked = [event for event in sim.events if isinstance(event, UploaderChecked)]
    assert (checked[0].bytes, checked[0].threshold_bytes, checked[0].due) == (212 * GB, 400 * GB, False)
    assert checked[0].next_check_at == pytest.approx(MONDAY + 1805, abs=1)


def test_from_the_threshold_on_an_upload_follows_at_once_and_the_interval_counts_from_its_end() -> None:
    sim = simulate(google=Uploader(HALF_HOUR, bytes=400 * GB, takes_seconds=7200))
    sim.run(2 * 3600 + 1800)
    assert starts(sim) == pytest.approx([5], abs=1)
    assert checks(sim) == [0]
    sim.run(60)
    assert len(checks(sim)) == 2


def test_a_threshold_of_0_uploads_whatever_is_there_but_starts_nothing_for_an_empty_folder() -> None:
    sim = simulate(google=Uploader(Rules(60.0, 0), bytes=0), movies=Uploader(Rules(60.0, 0), bytes=1))
    sim.run(50)
    assert [name for name, _, _ in sim.host.starts] == ["movies"]
    assert sim.why("google") == "waiting: nothing to upload, next check 00:01"


def test_outside_its_hours_nothing_is_measured_and_the_sentence_says_when_it_opens() -> None:
    rules = replace(HALF_HOUR, window=Window(240, 480))
    sim = simulate(google=Uploader(rules, bytes=500 * GB))
    sim.run(3 * 3600)
    assert (checks(sim), sim.state("google")) == ([], "outside_window")
    assert sim.why("google") == "outside 04:00-08:00, opens at 04:00"
    sim.run(2 * 3600)
    assert starts(sim) == pytest.approx([4 * 3600 + 5], abs=1)


def test_hours_that_cannot_be_read_never_open_but_start_works() -> None:
    sim = simulate(google=Uploader(replace(HALF_HOUR, window=Window(0, 0, never=True)), bytes=500 * GB))
    sim.run(86400)
    assert sim.host.starts == []
    assert "never opens" in sim.why("google")
    steering.start(sim.dispatcher, ["google"])
    sim.run(10)
    assert len(sim.host.starts) == 1


def test_a_trigger_puts_it_to_sleep_until_its_time_and_the_sentence_says_why() -> None:
    google = Uploader(HALF_HOUR, bytes=500 * GB, ends=[banned(25 * 3600, "rate limit 5 times"), None])
    sim = simulate(google=google)
    sim.run(3600)
    assert sim.state("google") == "asleep"
    assert sim.why("google") == "asleep until Tue 2026-01-06 01:10: rate limit 5 times"
    sim.run(30 * 3600)
    assert starts(sim) == pytest.approx([5, 5 + 600 + 25 * 3600 + 5], abs=2)


def test_used_up_quota_is_waited_for_without_a_check_and_the_sessions_are_one_run() -> None:
    google = Uploader(HALF_HOUR, bytes=500 * GB, ends=[used_up(4 * 3600, 63 * GB), used_up(600), None])
    sim = simulate(google=google)
    sim.run(2 * 3600)
    assert sim.why("google") == "all 12 accounts are cooling, 63.0 GB come back at 04:10"
    assert sim.state("google") == "cooling"
    sim.run(6 * 3600)
    assert len(checks(sim)) > 1
    assert starts(sim)[:3] == pytest.approx([5, 605 + 4 * 3600, 605 + 4 * 3600 + 1200], abs=2)
    run_ids = [run for _, _, run in sim.host.starts]
    assert len(set(run_ids[:3])) == 1
    told = [event.signal_name for event in sim.events if isinstance(event, UploaderSuspended | UploaderResumed)]
    assert told == ["uploader_suspended", "uploader_resumed"] * 2


def test_another_uploader_uploads_while_one_waits_for_quota() -> None:
    google = Uploader(HALF_HOUR, bytes=500 * GB, ends=[used_up(86400), None])
    sim = simulate(google=google, movies=Uploader(HALF_HOUR, grows=GB, takes_seconds=60))
    sim.run(4 * 3600)
    assert len(starts(sim, "google")) == 1
    assert len(starts(sim, "movies")) > 5


def test_one_at_a_time_and_the_other_says_whom_it_waits_for() -> None:
    long = Uploader(HALF_HOUR, bytes=500 * GB, takes_seconds=7200)
    sim = simulate(google=long, movies=Uploader(HALF_HOUR, bytes=500 * GB))
    sim.run(3600)
    assert [name for name, _, _ in sim.host.starts] == ["google"]
    assert "waits until google has finished (core.max_parallel_uploads is 1)" in sim.why("movies")
    sim.run(3700)
    assert [name for name, _, _ in sim.host.starts] == ["google", "movies"]


@pytest.mark.parametrize(
    ("second", "together"),
    [
        ({"folder": "/b", "accounts": frozenset("y")}, True),
        ({"folder": "/b", "accounts": frozenset("xy")}, False),
        ({"folder": "/a", "accounts": frozenset()}, False),
        ({"folder": "/a/b", "accounts": frozenset()}, False),
        ({"folder": "/", "accounts": frozenset()}, False),
        ({"folder": "/ab", "accounts": frozenset()}, True),
    ],
)
def test_two_upload_side_by_side_only_if_they_share_neither_folder_nor_accounts(
    second: dict[str, object], together: bool
) -> None:
    first = Uploader(HALF_HOUR, bytes=500 * GB, takes_seconds=7200, folder="/a", accounts=frozenset("x"))
    other = replace(Uploader(HALF_HOUR, bytes=500 * GB, takes_seconds=7200), **second)  # type: ignore[arg-type]
    sim = simulate(max_parallel=2, google=first, movies=other)
    sim.run(3600)
    assert len(sim.host.starts) == (2 if together else 1)
    if not together:
        assert "waits until google has finished: both use" in sim.why("movies")


def test_a_veto_is_told_once_and_asked_again_every_minute() -> None:
    google = Uploader(HALF_HOUR, bytes=500 * GB, veto="somebody is watching a film")
    sim = simulate(google=google)
    sim.run(600)
    assert (sim.state("google"), sim.why("google")) == ("vetoed", "not now: somebody is watching a film")
    assert len([event for event in sim.events if isinstance(event, UploaderSuspended)]) == 1
    # It is asked again without measuring again.
    assert len(checks(sim)) == 1
    google.veto = ""
    sim.run(70)
    assert len(sim.host.starts) == 1
    assert isinstance(
        next(e for e in reversed(sim.events) if not isinstance(e, UploaderStatusChanged)), UploaderResumed
    )


def test_what_cannot_be_measured_is_said_and_tried_again_and_stops_nobody_else() -> None:
    sim = simulate(google=Uploader(HALF_HOUR, bytes=500 * GB), movies=Uploader(HALF_HOUR, bytes=500 * GB))
    measure = sim.host.measure

    def fails(name: str, controls: object) -> object:
        if name == "google":
            raise CloudplowError("the folder does not exist")
        return measure(name, controls)  # type: ignore[arg-type]

    sim.host.measure = fails  # type: ignore[assignment, method-assign]
    sim.run(1000)
    assert (sim.state("google"), sim.why("google")) == ("failed", "the folder does not exist; next check 00:30")
    assert len(starts(sim, "movies")) == 1
    sim.run(1000)
    assert len(checks(sim)) == 2


def test_a_bug_in_one_uploader_does_not_end_the_service() -> None:
    def broken(_host: SimulatedHost, _name: str, _run: str) -> Ended:
        raise ZeroDivisionError("a bug")

    sim = simulate(google=Uploader(HALF_HOUR, bytes=500 * GB, ends=[broken, None]))
    sim.run(1000)
    assert "an error in cloudplow itself" in sim.why("google")
    sim.run(3600)
    assert len(sim.host.starts) == 2


def test_a_failed_upload_is_said_until_the_next_check() -> None:
    sim = simulate(google=Uploader(HALF_HOUR, bytes=500 * GB, ends=[failing("the disk is full"), None]))
    sim.run(700)
    assert sim.state("google") == "failed"
    assert sim.why("google").startswith("last upload failed: the disk is full; next check 00:4")


def test_a_clock_that_is_set_back_costs_one_interval_at_most() -> None:
    sim = simulate(google=Uploader(HALF_HOUR, bytes=100 * GB))
    sim.run(3700)
    before = len(checks(sim))
    sim.world.wall_ahead -= 5 * 3600
    sim.run(1900)
    assert len(checks(sim)) == before + 1
    sim.run(3700)
    assert len(checks(sim)) == before + 3


def test_after_a_suspended_machine_one_check_makes_up_for_all_that_were_missed() -> None:
    sim = simulate(google=Uploader(HALF_HOUR, bytes=100 * GB))
    sim.run(60)
    sim.sleep(9 * 3600)
    sim.run(60)
    assert len(checks(sim)) == 2


def test_pause_starts_nothing_until_its_time_and_says_who() -> None:
    sim = simulate(google=Uploader(HALF_HOUR, bytes=100 * GB))
    sim.run(60)
    said = steering.pause(sim.dispatcher, "google", seconds=2 * 3600, by="anna")
    assert said == {"google": "paused by anna until 02:01"}
    assert sim.saves == 1
    sim.run(7000)
    assert (len(checks(sim)), sim.state("google")) == (1, "paused")
    assert sim.why("google") == "paused by anna until 02:01"
    sim.run(600)
    assert len(checks(sim)) == 2


def test_a_pause_survives_a_restart_and_resume_ends_it() -> None:
    sim = simulate(google=Uploader(HALF_HOUR, bytes=500 * GB))
    steering.pause(sim.dispatcher, None, by="anna")
    again = Simulation(sim.host, facts=sim.facts)
    again.run(86400)
    assert (again.host.starts, again.why("google")) == ([], "paused by anna until somebody resumes it")
    assert steering.resume(again.dispatcher, None) == {"google": "the pause has ended"}
    assert steering.resume(again.dispatcher, None) == {}
    again.run(60)
    assert len(again.host.starts) == 1


def test_ends_sleeps_and_waits_for_quota_survive_a_restart() -> None:
    google = Uploader(HALF_HOUR, bytes=500 * GB, ends=[used_up(4 * 3600, 63 * GB), None])
    movies = Uploader(HALF_HOUR, bytes=500 * GB, ends=[banned(10 * 3600, "rate limit"), None])
    sim = simulate(google=google, movies=movies, series=Uploader(HALF_HOUR, bytes=100 * GB))
    sim.run(3000)
    told = {name: sim.why(name) for name in ("google", "movies")}
    run_id = sim.host.starts[0][2]
    again = Simulation(sim.host, facts=sim.facts)
    again.run(60)
    assert {name: again.why(name) for name in told} == told
    assert len(checks(again, "series")) == 2
    again.run(5 * 3600)
    assert [run for name, _, run in again.host.starts if name == "google"][1] == run_id


def test_bans_of_the_old_program_are_kept() -> None:
    world = World(MONDAY)
    host = SimulatedHost(world, {"google": Uploader(HALF_HOUR, bytes=500 * GB)})
    sim = Simulation(host, facts={"sleeps": {"google": MONDAY + 7200}})
    sim.run(3600)
    assert sim.why("google") == "asleep until 02:00: banned by the old program"
    sim.run(3700)
    assert len(sim.host.starts) == 1


def test_start_ignores_interval_threshold_hours_and_sleep_and_ends_a_pause() -> None:
    rules = replace(HALF_HOUR, window=Window(240, 480))
    sim = simulate(google=Uploader(rules, bytes=1))
    steering.pause(sim.dispatcher, None, by="anna")
    with pytest.raises(CloudplowError, match=r'google is paused by anna.*"cloudplow resume google" ends that'):
        steering.start(sim.dispatcher, ["google"], unless_paused=True)
    said = steering.start(sim.dispatcher, ["google"])
    assert said == {"google": "the pause has ended, and an upload starts as soon as there is a place for it"}
    sim.run(30)
    assert len(sim.host.starts) == 1
    assert steering.start(sim.dispatcher, ["google"]) == {"google": "it is uploading already"}


def test_start_of_what_is_unknown_or_left_out_says_why() -> None:
    sim = simulate(google=Uploader(HALF_HOUR), broken=Uploader(HALF_HOUR, fault="uploader.broken: nonsense"))
    with pytest.raises(CloudplowError, match=re.escape('there is no uploader "gogle"; the configuration has: google')):
        steering.start(sim.dispatcher, ["gogle"])
    with pytest.raises(CloudplowError, match=r"broken cannot upload: uploader\.broken: nonsense"):
        steering.start(sim.dispatcher, ["google", "broken"])
    sim.run(60)
    assert sim.host.starts == []
    assert (sim.state("broken"), sim.why("broken")) == ("failed", "left out: uploader.broken: nonsense")


def test_stop_ends_a_wait_for_quota_and_the_next_regular_check_starts_anew() -> None:
    google = Uploader(HALF_HOUR, bytes=500 * GB, ends=[used_up(4 * 3600), None])
    sim = simulate(google=google)
    sim.run(1000)
    assert steering.stop(sim.dispatcher, "google") == {"google": "it does not wait any more"}
    assert steering.stop(sim.dispatcher, "google") == {}
    sim.run(1900)
    assert len(sim.host.starts) == 2
    assert sim.host.starts[0][2] != sim.host.starts[1][2]


def test_a_start_during_a_wait_for_quota_begins_a_run_of_its_own() -> None:
    sim = simulate(google=Uploader(HALF_HOUR, bytes=500 * GB, ends=[used_up(4 * 3600), None]))
    sim.run(1000)
    steering.start(sim.dispatcher, ["google"])
    sim.run(60)
    first, second = (run for _, _, run in sim.host.starts)
    assert first != second


def test_an_upload_that_could_not_begin_says_nothing_of_what_is_left() -> None:
    sim = simulate(google=Uploader(HALF_HOUR, bytes=500 * GB, ends=[not_begun("another upload uses the folder")]))
    sim.run(1000)
    told = sim.dispatcher.status()["google"]
    assert (told.state, told.files_left, told.bytes_left) == ("failed", 1, 500 * GB)


def test_more_quota_than_expected_is_used_at_once() -> None:
    for change in ("corrected", "new keys"):
        sim = simulate(google=Uploader(HALF_HOUR, bytes=500 * GB, ends=[used_up(4 * 3600), None]))
        sim.run(1000)
        if change == "corrected":
            sim.dispatcher.capacity_changed()
        else:
            sim.host.mark += 1
        sim.run(60)
        assert len(sim.host.starts) == 2


def test_a_new_configuration_counts_at_once() -> None:
    sim = simulate(google=Uploader(HALF_HOUR, bytes=300 * GB), movies=Uploader(HALF_HOUR, bytes=1))
    sim.run(60)
    sim.host.uploaders["google"].rules = Rules(30.0, 100 * GB)
    del sim.host.uploaders["movies"]
    sim.host.uploaders["series"] = Uploader(Rules(30.0, GB), bytes=GB)
    sim.dispatcher.reconfigure()
    sim.run(60)
    assert sim.dispatcher.status().keys() == {"google", "series"}
    assert [name for name, _, _ in sim.host.starts] == ["google"]
    sim.run(700)
    assert [name for name, _, _ in sim.host.starts] == ["google", "series"]


def test_of_an_uploader_that_is_removed_nobody_says_any_more_what_it_waits_for() -> None:
    sim = simulate(
        google=Uploader(HALF_HOUR, bytes=500 * GB), movies=Uploader(HALF_HOUR, bytes=1, veto="a backup runs")
    )
    sim.run(60)
    for name in ("movies", "google"):  # one that waits, one that uploads
        sim.host.gone[name] = sim.host.uploaders.pop(name)
        sim.dispatcher.reconfigure()
        sim.run(7200)
        last = [one for one in sim.events if isinstance(one, UploaderStatusChanged) and one.uploader == name][-1]
        assert (last.state, last.why, last.until, last.next_check_at) == ("idle", "", None, None)


def test_an_uploader_that_is_removed_while_it_uploads_ends_in_peace() -> None:
    sim = simulate(google=Uploader(HALF_HOUR, bytes=500 * GB), movies=Uploader(HALF_HOUR, bytes=1))
    sim.run(60)
    sim.host.gone["google"] = sim.host.uploaders.pop("google")
    sim.dispatcher.reconfigure()
    sim.run(300)
    assert sim.state("google") == "scanning"
    steering.pause(sim.dispatcher, None, by="anna")
    sim.run(600)
    assert sim.dispatcher.status().keys() == {"movies"}


def test_what_waited_for_a_place_until_its_hours_had_ended_does_not_start() -> None:
    rules = replace(HALF_HOUR, window=Window(0, 60))
    long = Uploader(HALF_HOUR, bytes=500 * GB, takes_seconds=7200)
    sim = simulate(google=long, movies=Uploader(rules, bytes=500 * GB))
    sim.run(3 * 3600)
    assert starts(sim, "movies") == []
    assert sim.why("movies").startswith("outside 00:00-01:00, opens at")
    sim.run(22 * 3600)
    assert len(starts(sim, "movies")) == 1


def test_a_thread_that_cannot_be_started_costs_one_interval() -> None:
    sim = simulate(google=Uploader(HALF_HOUR, bytes=100 * GB))
    spawn = sim.dispatcher._spawn

    def fails(_name: str, _work: Callable[[], None]) -> None:
        raise RuntimeError("can't start new thread")

    sim.dispatcher._spawn = fails
    sim.run(60)
    assert sim.why("google").startswith("it cannot be started: can't start new thread; next check 00:30")
    sim.dispatcher._spawn = spawn
    sim.run(1800)
    assert len(checks(sim)) == 1


def test_what_is_told_changes_only_when_it_does() -> None:
    sim = simulate(google=Uploader(HALF_HOUR, bytes=100 * GB))
    sim.run(1700)
    told = [event.why for event in sim.events if isinstance(event, UploaderStatusChanged)]
    assert told == ["measuring what is to be uploaded", "waiting: 100.0 GB of 400.0 GB, next check 00:30"]


def test_uploads_that_are_asked_for_once_run_in_their_order_and_end() -> None:
    sim = simulate(regular=False, waits=False, google=Uploader(HALF_HOUR), movies=Uploader(HALF_HOUR))
    steering.start(sim.dispatcher, ["movies", "google"])
    sim.run(2000)
    assert [name for name, _, _ in sim.host.starts] == ["movies", "google"]
    assert sim.dispatcher.step() is None
    assert [event.outcome for event in sim.dispatcher.finished(["google", "movies"])] == [SessionOutcome.DONE] * 2


def test_asked_for_once_it_waits_for_quota_only_if_told_to() -> None:
    for waits in (False, True):
        sim = simulate(regular=False, waits=waits, google=Uploader(HALF_HOUR, ends=[used_up(3600), None]))
        steering.start(sim.dispatcher, ["google"])
        sim.run(5000)
        assert len(sim.host.starts) == (2 if waits else 1)
        assert sim.dispatcher.step() is None


def test_a_veto_ends_what_was_asked_for_once() -> None:
    sim = simulate(regular=False, google=Uploader(HALF_HOUR, veto="not today"))
    steering.start(sim.dispatcher, ["google"])
    assert sim.dispatcher.step() is None
    (event,) = sim.dispatcher.finished(["google"])
    assert (event.outcome, event.reason) == (SessionOutcome.SUSPENDED, "not today")


def test_a_stop_of_the_program_ends_running_uploads_and_starts_nothing() -> None:
    sim = simulate(google=Uploader(HALF_HOUR, bytes=500 * GB), movies=Uploader(HALF_HOUR, bytes=500 * GB))
    sim.run(60)
    sim.stopping = True
    steering.stop_all(sim.dispatcher, now=False)
    controls = sim.dispatcher.entries["google"].controls
    assert controls is not None
    assert controls.should_stop()
    sim.run(1000)
    assert sim.dispatcher.step() is None
    assert [name for name, _, _ in sim.host.starts] == ["google"]


@pytest.mark.parametrize("end", [lambda: finished("google", SessionOutcome.DONE)])
def test_the_last_end_is_told_while_nothing_starts_by_itself(end: Callable[[], object]) -> None:
    sim = simulate(regular=False, google=Uploader(HALF_HOUR))
    assert sim.state("google") == "idle"
    steering.start(sim.dispatcher, ["google"])
    sim.run(1000)
    assert sim.why("google") == "last upload: Done: 1 file, 1.0 B uploaded"


@pytest.mark.parametrize("now", [False, True])
def test_an_upload_that_was_asked_for_once_is_told_to_be_stopping(now: bool) -> None:
    sim = simulate(regular=False, google=Uploader(HALF_HOUR))
    steering.start(sim.dispatcher, ["google"])
    sim.run(60)
    steering.stop(sim.dispatcher, "google", now=now)
    sim.run(60)
    told = [event.state for event in sim.events if isinstance(event, UploaderStatusChanged)]
    assert told == ["stopping"]
    sim.run(1000)
    steering.start(sim.dispatcher, ["google"])
    sim.run(60)
    steering.stop_all(sim.dispatcher, now=now)
    told = [event.state for event in sim.events if isinstance(event, UploaderStatusChanged)]
    assert told == ["stopping", "stopping"]
