"""What the log of facts, and finished sessions, say and the events do not. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from cloudplow.events import sentence
from cloudplow.events.wire import decode
from tests.agreement.reading import Figures

#: A fact is told so soon, in seconds. Most are told within one, but the machine may be busy.
SOON_SECONDS: Final = 5.0
#: From when until when, in epoch seconds.
Span = tuple[float, float]
#: What the end of a session leaves for the next process is written so soon, in seconds.
UNSAVED_SECONDS: Final = 2.0
#: Events that are facts, always.
FACTS: Final = frozenset(
    {
        "session_started",
        "session_finished",
        "stage_started",
        "stage_finished",
        "sa_switched",
        "uploader_suspended",
        "uploader_resumed",
        "throttle_changed",
        "control_used",
    }
)
#: What a row of the past sessions adds up.
RUN: Final = ("files_done", "bytes_done")
LAST: Final = ("outcome", "files_left", "bytes_left", "sessions")


class Told:
    """The facts of all documents, each once, by process; and when that process was heard of."""

    def __init__(self) -> None:
        self._facts: dict[str, dict[str, tuple[Mapping[str, Any], float]]] = {}
        self._heard: dict[str, tuple[float, float]] = {}
        self.faults: list[str] = []

    def take(self, document: Mapping[str, Any], at: float) -> None:
        """A document that came at that time, in epoch seconds."""
        boot = document["boot"]
        known = self._facts.setdefault(boot, {})
        self._heard[boot] = self._heard.get(boot, (at, at))[0], at
        for seq, fact in document["facts"].items():
            before = known.setdefault(seq, (fact, at))[0]
            if before != fact:
                self.faults.append(f"{boot}: fact {seq} was {before}, is {fact}")

    def judged(
        self, events: Sequence[Mapping[str, Any]], killed: Sequence[float] = (), outages: Sequence[Span] = ()
    ) -> list[str]:
        """Facts that did not happen, what happened and is no fact, and what was told late.

        killed: when processes were: of what happened just before perhaps nobody has written it down. outages: when
        nobody could tell anything.
        """
        by_kind: dict[tuple[str, str, float], list[Mapping[str, Any]]] = {}
        for one in events:
            by_kind.setdefault((one["signal"], one["uploader"], round(one["at"], 3)), []).append(one)
        return [*self.faults, *self._untrue(by_kind, killed), *self._late(outages), *self._untold(events)]

    def _untrue(
        self, by_kind: Mapping[tuple[str, str, float], Sequence[Mapping[str, Any]]], killed: Sequence[float]
    ) -> Iterator[str]:
        for boot, facts in self._facts.items():
            for fact, _ in facts.values():
                happened = by_kind.get((fact["kind"], fact["uploader"], round(fact["at"], 3)), [])
                unwritten = not happened and any(0 <= at - fact["at"] < UNSAVED_SECONDS for at in killed)
                if not unwritten and not any(_says(fact["text"], one) for one in happened):
                    yield f"{boot}: the log says {fact}, the events {[sentence_of(one) for one in happened]}"

    def _late(self, outages: Sequence[Span]) -> Iterator[str]:
        for boot, facts in self._facts.items():
            for fact, came in facts.values():
                silent = sum(max(0.0, min(came, back) - max(fact["at"], gone)) for gone, back in outages)
                if came - fact["at"] - silent > SOON_SECONDS and came > self._heard[boot][0]:
                    yield f"{boot}: looks late: {fact} came after {came - fact['at']:.1f} s"

    def _untold(self, events: Sequence[Mapping[str, Any]]) -> Iterator[str]:
        told = {
            (fact["kind"], fact["uploader"], round(fact["at"], 3))
            for facts in self._facts.values()
            for fact, _ in facts.values()
        }
        for one in events:
            key = one["signal"], one["uploader"], round(one["at"], 3)
            heard = any(first < one["at"] and one["at"] + SOON_SECONDS < last for first, last in self._heard.values())
            if one["signal"] in FACTS and heard and key not in told:
                yield f"no log has {key}: {sentence_of(one)}"


def sentence_of(event: Mapping[str, Any]) -> str:
    """An event of the log of events in words, without where folders are on this machine."""
    folder = event.get("upload_folder", "")
    decoded = decode({**event, "upload_folder": folder.rpartition("/")[2]} if folder else event)
    return sentence(decoded) if decoded is not None else ""


def _says(text: str, event: Mapping[str, Any]) -> bool:
    """Whether that is the event. The end of a dry run has other words, and so has what was asked for."""
    if event["signal"] == "control_used" or text.startswith("Dry run: "):
        return True
    return text == sentence_of(event)


class Runs:
    """What finished sessions come to, by the run that they belong to."""

    def __init__(self) -> None:
        self._runs: dict[tuple[str, str], dict[str, Any]] = {}
        self._begun: dict[str, Mapping[str, Any]] = {}

    def take(self, event: Mapping[str, Any]) -> None:
        """One event, in their order."""
        uploader = event["uploader"]
        if event["signal"] == "session_started":
            self._begun[uploader] = event
        elif event["signal"] == "session_finished" and uploader in self._begun:
            begun = self._begun.pop(uploader)
            run = self._runs.setdefault((uploader, event["run_id"] or event["session_id"]), {"began": begun["at"]})
            run["sessions"] = run.get("sessions", 0) + 1
            for key in ("files", "bytes"):
                run[f"{key}_done"] = run.get(f"{key}_done", 0) + event[key]
                run[f"{key}_left"] = event[f"{key}_left"]
            run["outcome"], run["ended"] = event["outcome"], event["at"]

    def figures(self, killed: Sequence[float] = ()) -> Figures:
        """By uploader and when the run began. killed: when processes were: what ended just before was not written."""
        return {
            (uploader, f"past {run['began']:.3f} {key}"): run[key]
            for (uploader, _), run in self._runs.items()
            if not any(0 <= at - run["ended"] < UNSAVED_SECONDS for at in killed)
            for key in (*RUN, *LAST)
        }


def past(document: Mapping[str, Any]) -> Figures:
    """The same of the state document."""
    return {
        (name, f"past {one['started_at']:.3f} {key}"): one[key]
        for name, u in document["uploaders"].items()
        for one in u["sessions"]
        for key in (*RUN, *LAST)
    }
