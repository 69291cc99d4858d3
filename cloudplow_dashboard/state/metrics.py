"""`/metrics`: the state as Prometheus text 0.0.4 or OpenMetrics 1.0. Labels are bounded, however large the pool is."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from typing import Any, Final, Literal

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.registry import Collector

from cloudplow.events import AccountState, SessionOutcome, SwitchReason
from cloudplow_dashboard.state.account_table import rank
from cloudplow_dashboard.state.document import Head
from cloudplow_dashboard.state.document_words import Phase, ProgramState
from cloudplow_dashboard.state.state import DashboardState
from cloudplow_dashboard.state.uploader_state import Uploaders, UploaderState

#: Accounts with series of their own, of all uploaders together: the active and the most used ones.
ACCOUNTS_LIMIT: Final = 50
TEXT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
#: The label of an unknown word.
OTHER: Final = "other"
_Amount = Literal["used_bytes", "in_flight_bytes", "unsettled_bytes", "limit_bytes"]
#: By the key of an account.
_ACCOUNT_GAUGES: Final[dict[Literal["used_bytes", "in_flight_bytes", "unsettled_bytes", "limit_bytes"], str]] = {
    "used_bytes": "Used quota",
    "in_flight_bytes": "Quota on its way: sent by running uploads, not yet in the used quota,",
    "unsettled_bytes": "Quota that interrupted uploads may have used, not yet in the used quota,",
    "limit_bytes": "Quota",
}
OPENMETRICS_TYPE: Final = "application/openmetrics-text; version=1.0.0; charset=utf-8"


def render(state: DashboardState, *, openmetrics: bool) -> bytes:
    """The text, in the form of `OPENMETRICS_TYPE` or of `TEXT_TYPE`."""
    return render_at(state, openmetrics=openmetrics)[1]


def render_at(state: DashboardState, *, openmetrics: bool) -> tuple[int, bytes]:
    """The same, and of which version of the state document it is."""
    registry = CollectorRegistry(auto_describe=False)
    snapshot = _Snapshot(state)
    registry.register(snapshot)
    make: Any = generate_openmetrics if openmetrics else generate_latest  # the library gives the first one no types
    body = bytes(make(registry))
    return snapshot.version, body


class _Snapshot(Collector):
    def __init__(self, state: DashboardState) -> None:
        self._state = state
        self.version = 0

    def describe(self) -> Iterable[Metric]:
        return []

    def collect(self) -> Iterable[Metric]:
        families = _Families()
        now = self._state.clock()

        def fill(uploaders: Uploaders) -> Head:
            _fill(families, uploaders, now)
            return self._state.head()

        self.version, head = self._state.read_at(fill)
        _program(families, head)
        families.gauge("cloudplow_build_info", "The version that runs; the value is 1.", 1, version=head["app_version"])
        families.gauge(
            "cloudplow_start_time_seconds", "When the program started, in epoch seconds.", self._state.started_at
        )
        return families.all()


class _Families:
    """Families by name, made when they are first used."""

    def __init__(self) -> None:
        self._families: dict[str, Any] = {}

    def gauge(self, name: str, text: str, value: float, **labels: str) -> None:
        self._add(GaugeMetricFamily, name, text, value, labels)

    def counter(self, name: str, text: str, value: float, **labels: str) -> None:
        self._add(CounterMetricFamily, name, text, value, labels)

    def _add(self, kind: Any, name: str, text: str, value: float, labels: dict[str, str]) -> None:
        if name not in self._families:
            self._families[name] = kind(name, text, labels=list(labels))
        self._families[name].add_metric(list(labels.values()), value)

    def all(self) -> list[Metric]:
        return list(self._families.values())


def _fill(families: _Families, uploaders: Uploaders, now: float) -> None:
    for u in uploaders.values():
        _counters(families, u)
        _session(families, u, now)
        _pool(families, u, now)
    _accounts(families, uploaders)


def _program(families: _Families, head: Head) -> None:
    for state in ProgramState:
        text = "1 for the state of the program that uploads."
        families.gauge("cloudplow_program", text, int(head["program"] == state), state=state)
    text = "What somebody limited the speed of each uploader to; 0: nothing."
    families.gauge("cloudplow_limit_bytes_per_second", text, head["limit"])
    text = "Attempts to send a notification that failed, since the program started."
    families.counter("cloudplow_notification_failures_total", text, head["notifications_failed"])
    for receiver, one in head["notifications"].items():
        text = "Attempts to send a notification that failed, by receiver."
        families.counter("cloudplow_receiver_failures_total", text, one["failed"], receiver=receiver)


def _counters(families: _Families, u: UploaderState) -> None:
    counters, add = u.counters, families.counter
    add(
        "cloudplow_transferred_bytes_total",
        "Bytes uploaded since the program started.",
        counters.bytes,
        uploader=u.name,
    )
    add(
        "cloudplow_transferred_files_total",
        "Files uploaded since the program started.",
        counters.files,
        uploader=u.name,
    )
    present = counters.already_there_files
    add(
        "cloudplow_already_present_files_total",
        "Of these, files that the destination already had.",
        present,
        uploader=u.name,
    )
    add("cloudplow_failed_files_total", "Failed attempts to upload a file.", counters.failures, uploader=u.name)
    # Every word from the beginning: of a series that begins with 1 nobody sees that it grew.
    for reason, number in (dict.fromkeys(SwitchReason, 0) | counters.switches).items():
        text = "Switches to another account, by reason."
        add("cloudplow_account_switches_total", text, number, uploader=u.name, reason=reason or OTHER)
    for outcome, number in (dict.fromkeys(SessionOutcome, 0) | counters.sessions).items():
        text = "Finished sessions, by outcome."
        add("cloudplow_sessions_total", text, number, uploader=u.name, outcome=outcome or OTHER)


def _session(families: _Families, u: UploaderState, now: float) -> None:
    session, told, queue, name = u.session_document(), u.figures(now), u.queue_document(), u.name

    def add(metric: str, text: str, value: float, **labels: str) -> None:
        families.gauge(f"cloudplow_{metric}", text, value, uploader=name, **labels)

    add("session_active", "Whether an upload is running.", int(u.active))
    for phase in Phase:
        add("phase", "1 for the phase in which the uploader is.", int(u.phase == phase), phase=phase)
    add("session_start_time_seconds", "When the session started, in epoch seconds; 0: never.", session["started_at"])
    text = "When the session ended, in epoch seconds; 0: it is running, or unknown."
    add("session_end_time_seconds", text, session["ended_at"])
    text = "Bytes uploaded in the session, with what has arrived of files on their way."
    add("session_transferred_bytes", text, session["bytes_done"])
    add("session_in_flight_bytes", "Of these, bytes of files still on their way.", session["bytes_in_flight"])
    add("session_bytes", "Bytes of the session, uploaded or not.", session["bytes_total"])
    add("session_files", "Files of the session, uploaded or not.", session["files_total"])
    add("session_percentage", "How much of the session is done, 0 to 100; -1: unknown.", told["percentage"])
    add("session_transferred_files", "Files uploaded in the session.", session["files_done"])
    add("session_remaining_bytes", "Bytes still to be uploaded.", session["bytes_left"])
    add("session_remaining_files", "Files still to be uploaded.", session["files_left"])
    add("session_failed_files", "Failed files of the session.", session["files_failed"])
    add("session_stage", "Number of the current stage.", session["stage"])
    add("session_stages", "Stages of the session, as far as they are planned.", session["stages_total"])
    text = "When everything is done, waits for quota included, in epoch seconds; 0: unknown."
    add("finish_time_seconds", text, told["finish_at"])
    add("quota_waiting_bytes", "Of what is left, bytes that do not fit into the quota of now.", told["waiting_bytes"])
    text = "When more quota helps to go on, in epoch seconds; 0: unknown, or nothing waits."
    add("next_capacity_time_seconds", text, told["next_capacity_at"])
    text = "Since when an upload has said nothing, in epoch seconds: all its figures are as of then; 0: it is heard of."
    add("stale_since_time_seconds", text, told["stale_since"])
    text = "When the queue will be uploaded, in epoch seconds; 0: unknown."
    add("completion_time_seconds", text, u.eta["speed_at"], basis="speed")
    add("completion_time_seconds", text, u.eta["quotas_at"], basis="quotas")
    add("transfer_speed_bytes_per_second", "Current speed, as rclone says it.", u.progress["speed"])
    add("active_transfers", "Files being transferred.", u.progress["transferring_count"])
    add("average_speed_bytes_per_second", "Speed since the session began.", told["average_speed"])
    add("queue_bytes", "Bytes that wait to be uploaded.", queue["bytes"])
    add("queue_files", "Files that wait to be uploaded.", queue["files"])
    add("queue_listed_bytes", "Bytes found by the last listing.", queue["listed_bytes"])
    add("queue_listed_files", "Files found by the last listing.", queue["listed_files"])
    add("throttle_limit_bytes_per_second", "Speed limit; 0: none.", u.throttle["limit"])
    add("suspended", "Whether uploads are suspended.", int(u.suspension["active"]))
    text = "When the suspension ends, in epoch seconds; 0: unknown, or not suspended."
    add("suspended_until_time_seconds", text, u.suspension["until"])
    add(
        "last_event_time_seconds",
        "Time of the last event of the uploader, in epoch seconds; 0: none yet.",
        u.heard.at,
    )


def _pool(families: _Families, u: UploaderState, now: float) -> None:
    capacity, summary, name = u.accounts.capacity(now), u.accounts.summary(), u.name
    add = families.gauge
    add("cloudplow_quota_used_bytes", "Used quota of all accounts.", capacity["used_bytes"], uploader=name)
    text = "Quota on its way: sent by running uploads, not yet in the used quota."
    add("cloudplow_quota_in_flight_bytes", text, capacity["in_flight_bytes"], uploader=name)
    text = "Quota that interrupted uploads may have used: not yet in the used quota."
    add("cloudplow_quota_unsettled_bytes", text, capacity["unsettled_bytes"], uploader=name)
    add("cloudplow_quota_limit_bytes", "Quota of all accounts.", capacity["limit_bytes"], uploader=name)
    add("cloudplow_quota_free_bytes", "Quota that is free now.", capacity["free_bytes"], uploader=name)
    text = "When the first used quota comes back, in epoch seconds; 0: none is used."
    add("cloudplow_quota_next_return_time_seconds", text, capacity["next_return_at"], uploader=name)
    for state in AccountState:
        number = summary["states"].get(state, 0)
        add("cloudplow_accounts", "Accounts in each state.", number, uploader=name, state=state)


def _accounts(families: _Families, uploaders: Uploaders) -> None:
    rows = ((u.name, name, row) for u in uploaders.values() for name, row in u.accounts.rows.items())
    chosen = heapq.nlargest(ACCOUNTS_LIMIT, rows, key=lambda one: rank(one[2]))
    text = f"of an account; only the active and the most used, at most {ACCOUNTS_LIMIT}."
    for uploader, account, row in chosen:
        labels = {"uploader": uploader, "account": account}
        for key, what in _ACCOUNT_GAUGES.items():
            families.gauge(f"cloudplow_account_quota_{key}", f"{what} {text}", row[key], **labels)
