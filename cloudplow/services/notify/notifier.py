"""The notifications of one running program: events come in, messages go to everybody who wants them."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from cloudplow.events import Event, NotificationFailed, SessionFinished, SessionStarted
from cloudplow.hookspecs import PluginApp
from cloudplow.services.notify.config import NEEDED, Receiver
from cloudplow.services.notify.levels import Message
from cloudplow.services.notify.memory import FILE, Memory
from cloudplow.services.notify.monitors import BEAT_SECONDS, Monitors
from cloudplow.services.notify.outbox import Letter
from cloudplow.services.notify.requests import MONITORS, Job, beat_job, message_job, ping_job
from cloudplow.services.notify.sender import Sender
from cloudplow.services.notify.story import Story

log = logging.getLogger("cloudplow.notify")

#: What messages are made of.
SIGNALS: Final = (
    "session_started",
    "queue_learned",
    "accounts_learned",
    "stage_started",
    "stage_finished",
    "quota_changed",
    "uploader_suspended",
    "uploader_resumed",
    "session_finished",
)


def job_for(receiver: Receiver, message: Message, notifiers: Mapping[str, Any]) -> Job:
    """What to send. notifiers: the services of plugins."""
    if receiver.service in NEEDED:
        return message_job(receiver, message)
    return {"call": partial(notifiers[receiver.service], receiver, receiver.title, message.text)}


class Notifier:
    """Everything that `cloudplow_start` makes and `cloudplow_stop` ends."""

    def __init__(self, app: PluginApp, receivers: Mapping[str, Receiver]) -> None:
        self._app = app
        self._notifiers = app.notifiers()
        self._sort(receivers)
        dry_run = bool(app.config.core.dry_run)
        self._story = Story(Memory(app.state_files.read(FILE)), dry_run=dry_run)
        self._monitors = Monitors(dry_run=dry_run)
        self._sessions: set[str] = set()
        #: How many attempts have failed, by receiver.
        self.failures: Counter[str] = Counter()
        self._failing: set[str] = set()
        self._stops = False
        self._sender = Sender(self._on_failed, on_sent=self._failing.discard, beat=self._beats)
        self.take_over(receivers)

    def _sort(self, receivers: Mapping[str, Receiver]) -> None:
        self._told = {name: one for name, one in receivers.items() if one.service not in MONITORS}
        self._checks = {name: one for name, one in receivers.items() if one.service == "healthchecks"}
        self._beating = {name: one for name, one in receivers.items() if one.service == "uptimekuma"}

    def take_over(self, receivers: Mapping[str, Receiver]) -> None:
        """From now on these are told: at the start, and when the configuration was read again."""
        self._sort(receivers)
        self._sender.needs_apprise = any(one.service == "apprise" for one in receivers.values())
        beats = bool(self._beating) and self._app.uploads and not self._app.config.core.dry_run
        self._sender.beat_seconds = BEAT_SECONDS if beats else 0.0
        if beats:
            self._sender.wake()

    def start(self) -> None:
        """Listen."""
        self._app.state_files.register(FILE, self._story.memory.document)
        for name in SIGNALS:
            self._app.events.SIGNALS[name].connect(self.receive)

    def receive(self, _sender: object, *, event: Event, **_extra: object) -> None:
        """Receiver for the signals above."""
        before = self._story.memory.document()
        self._tell(self._story.take(event))
        if self._story.memory.document() != before:
            self._app.state_files.mark_dirty(FILE)
        for ping in self._monitors.take(event):
            for name, receiver in self._checks.items():
                self._sender.submit(name, ping_job(receiver, ping), f"{ping.action} {ping.rid}")
        if isinstance(event, SessionStarted):
            self._sessions.add(event.session_id)
        elif isinstance(event, SessionFinished):
            self._sessions.discard(event.session_id)
            for name, job in self._beats():
                self._sender.submit(name, job, "beat", tries=1)
        else:
            return
        self._sender.keep_ready(bool(self._sessions))

    def _tell(self, messages: list[Message]) -> None:
        for message in messages:
            for name, receiver in self._told.items():
                if message.is_for(receiver.min_level):
                    self._sender.submit(name, job_for(receiver, message, self._notifiers), message.text)

    def _beats(self) -> list[tuple[str, Job]]:
        """From any thread."""
        down = self._monitors.down_because()
        return [(name, beat_job(receiver, down)) for name, receiver in self._beating.items()]

    def _on_failed(self, receiver: str, error: str, will_retry: bool) -> None:
        """On the thread that sends."""
        self.failures[receiver] += 1
        news = receiver not in self._failing
        self._failing.add(receiver)
        if receiver in self._beating and not news:
            return  # every beat would say the same
        if self._stops:
            log.warning("%s", not_sent(receiver, error))
        self._app.publish(NotificationFailed(receiver=receiver, error=error, will_retry=will_retry))

    def stop(self) -> None:
        """Say the last things, for at most two seconds."""
        self._stops = True
        for name in SIGNALS:
            self._app.events.SIGNALS[name].disconnect(self.receive)
        self._tell(self._story.close())
        for ping in self._monitors.close():
            for name, receiver in self._checks.items():
                self._sender.submit(name, ping_job(receiver, ping), f"{ping.action} {ping.rid}")
        self._report(self._sender.stop())

    def _report(self, left: list[Letter]) -> None:
        unsent = Counter(letter.receiver for letter in left if letter.receiver not in self._beating)
        for name, number in unsent.items():
            messages = "1 message was" if number == 1 else f"{number} messages were"
            log.warning("%s", not_sent(name, f"the program ended before {messages} sent"))
        if self._sender.dropped:
            log.warning("%d notifications gave way to newer ones, because too many waited", self._sender.dropped)


def not_sent(receiver: str, error: str) -> str:
    """A line for the log."""
    return f'The notification for "{receiver}" failed: {error}'
