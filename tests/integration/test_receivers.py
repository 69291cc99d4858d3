"""Receivers of events that raise, dawdle or hang: the upload does not notice, and others get every event in order."""

from __future__ import annotations

import statistics
import threading
import time
from pathlib import Path
from typing import Any, Final

import pytest

from cloudplow import events
from cloudplow.app import App
from cloudplow.delivery import CLOSE_CALL_SECONDS
from cloudplow.events import Event
from tests.integration.local_site import UPLOADER, LocalSite, Run, contents

pytestmark = pytest.mark.rclone

FILES: Final = 60
ROUNDS: Final = 3
#: Plugins that connect a receiver to every event, by the name of their module.
BAD_PLUGINS: Final = {
    "raises": "raise RuntimeError('this receiver never works')",
    "exits": "raise SystemExit(3)",
    "sleeps": "time.sleep(60)",
    "hangs": "threading.Event().wait()",
    "locks": "lock.acquire()",
}
_PLUGIN: Final = """
import sys, threading, time
from cloudplow import hookimpl

lock = threading.Lock()

def receive(sender, *, event, **extra):
    {body}

@hookimpl
def cloudplow_start(app):
    for signal in app.events.SIGNALS.values():
        signal.connect(receive)
"""


class Uploads:
    """Repeats one upload of many small files, with plugins that misbehave or without."""

    def __init__(self, site: LocalSite) -> None:
        self._site = site
        self._count = 0
        folder = site.root / "plugins"
        folder.mkdir()
        for name, body in BAD_PLUGINS.items():
            (folder / f"plugin_that_{name}.py").write_text(_PLUGIN.format(body=body), encoding="utf-8")
        path = f"{site.environment()['PYTHONPATH']}:{folder}"
        self._environment = site.environment(PYTHONPATH=path)
        self._plugins = list(site.config["plugins"])
        site.add_accounts(5, quota="1G")

    def run(self, *bad: str) -> tuple[Run, float]:
        """The run, and the time from the first event of its session to the last, in seconds."""
        self._count += 1
        site = self._site
        for number in range(FILES):
            site.write(f"run {self._count}/{number}.mkv", 2000)
        site.config["plugins"] = [*(f"plugin_that_{name}" for name in bad), *self._plugins]
        run = site.run("upload", environment=self._environment)
        assert run.status == 0, run.said
        assert contents(site.source) == {}
        return run, run.events[-1]["at"] - run.events[0]["at"]


@pytest.mark.alone
def test_bad_receivers_do_not_delay_an_upload_and_others_get_everything(any_site: LocalSite) -> None:
    uploads = Uploads(any_site)
    times: dict[bool, list[float]] = {False: [], True: []}
    uploads.run()  # warms up

    for _ in range(ROUNDS):
        for bad in (False, True):
            run, seconds = uploads.run(*BAD_PLUGINS) if bad else uploads.run()
            times[bad].append(seconds)
            assert [event["seq"] for event in run.events] == list(range(1, len(run.events) + 1))
            assert run.finished["files"] == len(run.transferred) == FILES

    without, having = statistics.median(times[False]), statistics.median(times[True])
    assert having < without * 1.5 + 0.2, times
    assert having < without + 2, times


@pytest.mark.alone
def test_the_program_ends_within_the_stated_time_although_receivers_hang(any_site: LocalSite) -> None:
    uploads = Uploads(any_site)
    begun = time.monotonic()
    run, _ = uploads.run("sleeps", "hangs", "locks")
    took = time.monotonic() - begun
    begun = time.monotonic()
    uploads.run()
    usual = time.monotonic() - begun

    # A call in progress at the end gets this much time; all of them in parallel.
    assert took < usual * 1.5 + CLOSE_CALL_SECONDS + 2
    for name in ("sleeps", "hangs", "locks"):
        assert f"plugin_that_{name}.receive did not return in time" in run.stdout


def test_errors_of_a_receiver_are_logged_with_its_name(any_site: LocalSite) -> None:
    run, _ = Uploads(any_site).run("raises", "exits")

    assert "Event receiver plugin_that_raises.receive failed on session_started" in run.stdout
    assert "Event receiver plugin_that_exits.receive failed on session_finished" in run.stdout
    assert run.stdout.count("RuntimeError: this receiver never works") >= FILES


# In one process


class Receiver:
    """Remembers what it received, after doing what it was told to do."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.senders: list[str] = []

    def receive(self, sender: str, *, event: Event, **_extra: Any) -> None:
        self.senders.append(sender)
        self.events.append(event)


class Raising(Receiver):
    def receive(self, sender: str, *, event: Event, **_extra: Any) -> None:
        super().receive(sender, event=event)
        raise ValueError(event.signal_name)


def upload(site: LocalSite) -> App:
    """Upload in this process; returns the application as it was at the end."""
    site.config["plugins"] = []
    site.save()
    with App(site.config_path, site.root, environ={}) as app:
        tasks = app.tasks([])
        app.check_tasks(tasks)
        (finished,) = app.upload_tasks(tasks)
        assert finished.outcome == "done"
    return app


def test_a_receiver_that_raises_still_gets_every_event(any_site: LocalSite) -> None:
    any_site.write_library(20, 50_000)
    raising, good = Raising(), Receiver()
    for signal in events.SIGNALS.values():
        signal.connect(raising.receive)
        signal.connect(good.receive)

    try:
        upload(any_site)
    finally:
        for signal in events.SIGNALS.values():
            signal.disconnect(raising.receive)
            signal.disconnect(good.receive)

    assert raising.events == good.events
    assert [event.seq for event in good.events] == list(range(1, len(good.events) + 1))
    assert set(good.senders) == {UPLOADER}


def test_one_signal_of_one_uploader_can_be_chosen(any_site: LocalSite) -> None:
    any_site.write_library(20, 50_000)
    chosen, other = Receiver(), Receiver()
    events.file_transferred.connect(chosen.receive, sender=UPLOADER)
    events.file_transferred.connect(other.receive, sender="another")

    try:
        upload(any_site)
    finally:
        events.file_transferred.disconnect(chosen.receive, sender=UPLOADER)
        events.file_transferred.disconnect(other.receive, sender="another")

    assert len(chosen.events) == 20
    assert sum(event.size for event in chosen.events if isinstance(event, events.FileTransferred)) == 50_000
    assert other.events == []


def test_receivers_never_run_on_the_thread_that_uploads(any_site: LocalSite, tmp_path: Path) -> None:
    any_site.write("file")
    threads: set[str] = set()

    def receive(_sender: str, *, event: Event, **_extra: Any) -> None:
        threads.add(threading.current_thread().name)

    for signal in events.SIGNALS.values():
        signal.connect(receive)

    upload(any_site)

    assert threads
    assert all(name.startswith("cloudplow-events-") for name in threads)
