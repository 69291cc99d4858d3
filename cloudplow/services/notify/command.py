"""`cloudplow notify-test`: a test message to every receiver, or to the named one, and what came of it."""

from __future__ import annotations

import queue
import sys
from argparse import ArgumentParser, Namespace, _SubParsersAction
from collections.abc import Mapping

from cloudplow.hookspecs import PluginApp
from cloudplow.services.notify.config import SECTION, NotificationsSection, Receiver
from cloudplow.services.notify.levels import Level, Message
from cloudplow.services.notify.monitors import Ping
from cloudplow.services.notify.notifier import job_for
from cloudplow.services.notify.outbox import DEADLINE_SECONDS
from cloudplow.services.notify.requests import Job, beat_job, ping_job
from cloudplow.services.notify.sender import NO_ANSWER, Sender
from cloudplow.services.notify.texts import TEST

_FAILED = 1
_USAGE = 2


def add_to(subparsers: _SubParsersAction[ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser("notify-test", help="send a test message to every (or the named) receiver")
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.set_defaults(handler=run, starts_app=False)


def run(app: PluginApp, options: Namespace) -> int:
    """Send, print a line for each receiver, return the exit status: 1 if one failed, 2 if one is not there."""
    section: NotificationsSection = app.config.section(SECTION)
    unknown = [f'"{name}"' for name in options.names if name not in section.receivers]
    if unknown or not section.receivers:
        known = ", ".join(section.receivers) or "none"
        asked = f"no receiver {', '.join(unknown)}" if unknown else "no receiver"
        sys.stderr.write(f"cloudplow: notifications: there is {asked} that can be used; usable: {known}\n")
        return _USAGE
    names = options.names or list(section.receivers)
    return send_to({name: section.receivers[name] for name in names}, app.notifiers())


def send_to(receivers: Mapping[str, Receiver], notifiers: Mapping[str, object]) -> int:
    """Send to each; prints a line as soon as it is known what came of it."""
    results: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()
    sender = Sender(
        lambda name, error, _again: results.put((name, error)), on_sent=lambda name: results.put((name, ""))
    )
    waiting, failed = dict(receivers), False
    try:
        for name, receiver in receivers.items():
            sender.submit(name, _test_job(receiver, notifiers), "test", tries=1)
        while waiting:
            try:
                name, error = results.get(timeout=2 * DEADLINE_SECONDS)
            except queue.Empty:
                break
            failed = failed or bool(error)
            _print(name, waiting.pop(name), error)
    finally:
        sender.stop()
    for name, receiver in waiting.items():
        _print(name, receiver, NO_ANSWER)
    return _FAILED if failed or waiting else 0


def _print(name: str, receiver: Receiver, error: str) -> None:
    sys.stdout.write(f"{name} ({receiver.shown}): {f'failed: {error}' if error else 'sent'}\n")
    sys.stdout.flush()


def _test_job(receiver: Receiver, notifiers: Mapping[str, object]) -> Job:
    if receiver.service == "healthchecks":
        # Only noted: it changes nothing of the state of the check.
        return ping_job(receiver, Ping("log", "00000000-0000-4000-8000-000000000000", TEST))
    if receiver.service == "uptimekuma":
        return beat_job(receiver, "")
    return job_for(receiver, Message(Level.INFO, TEST), notifiers)
