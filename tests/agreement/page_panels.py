"""What the panels of the page say, as figures: files on their way, plan, capacity, queue, accounts. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, Final

from tests.agreement import displayed
from tests.agreement.displayed import Shown

#: Modes of the connection in which the page says that its figures are those of now.
CURRENT: Final = ("live", "polling")
#: The page is drawn anew after so many seconds at the latest, and a little later on a busy machine.
DRAWN_SECONDS: Final = 2.5
Found = Iterator[tuple[str, Any]]
_RETURNS: Final = re.compile(
    r"(?:(Nothing|\S+ \w+) returns within 24 hours)(?:, (\S+ \w+) later)?(?:; at most (\S+ \w+) in one hour)?\."
)


class Texts:
    """The texts, and when they were read."""

    def __init__(self, texts: Mapping[str, Any], began: float, ended: float) -> None:
        self.texts = texts
        self.began = began
        self.ended = ended
        self.current = texts["mode"] in CURRENT
        self.at = partial(displayed.countdown, began=began, ended=ended, drawn=DRAWN_SECONDS)

    def __getitem__(self, key: str) -> Any:
        return self.texts[key]


def transfers(texts: Texts) -> Found:
    counts = dict.fromkeys(("transferring", "checking"), 0)
    for number, word in re.findall(r"([\d,]+) (files?|being checked)", texts["transfers_note"]):
        counts["checking" if word == "being checked" else "transferring"] = displayed.count(number)
    yield from counts.items()
    yield "transfers listed", tuple(row[0] for row in texts["transfers"])
    for name, share, size, speed, eta in texts["transfers"]:
        yield f"file {name} share", displayed.percent(share)
        yield f"file {name} size", displayed.size(size)
        yield f"file {name} speed", displayed.speed(speed)
        yield f"file {name} eta", displayed.seconds(eta)


def plan(texts: Texts) -> Found:
    counts = dict.fromkeys(("running", "to come", "waiting", "done"), 0)
    for number, word in re.findall(r"([\d,]+) (running|to come|waiting|done)", texts["plan_note"]):
        counts[word] = displayed.count(number)
    done = counts.pop("done")
    yield from ((f"plan {word}", number) for word, number in counts.items())
    if done or not texts["plan_note"]:
        yield "plan done", done
    yield "plan listed", tuple(row[0] for row in texts["plan"])
    for name, word, whole in texts["plan"]:
        what, _, later = whole.partition("; ")
        yield f"plan {name} later", displayed.count(later) if later else 0
        yield f"plan {name} word", word.split()[0]
        at = displayed.clock(word.removeprefix("Running until "), texts.began)
        # Of several stages it is the end of the last.
        if at is not None and texts.current and " stages, " not in what:
            # What should be over by now is shown to be over now.
            soon = at.least < texts.began + 120
            yield f"plan {name} until", Shown(0 if soon else at.least, at.most, at.text)
        yield from _when(texts, f"plan {name}", word, is_last=not later)
        stages = re.match(r"(\d+) stages, ", what)
        number = re.match(r"stage (\d+), ", what)
        yield f"plan {name} stages", int(stages[1]) if stages else 1
        yield f"plan {name} stage", int(number[1]) if number else 0
        files = re.search(r"([\d,]+) files?, ", what)
        yield f"plan {name} files", displayed.count(files[1]) if files else what
        yield f"plan {name} bytes", displayed.size(what.rpartition(", ")[2])
    yield from _rest(texts["plan_rest"])


def _when(texts: Texts, row: str, word: str, *, is_last: bool) -> Found:
    """When a row is over, or begins and ends: "Done at 18:40", "Waiting until 18:40", "Next 18:40 - 18:52".

    is_last: no other stage follows, whose end the document says.
    """
    over = word.startswith(("Done at", "Ended at"))
    clocks = [displayed.clock(one, texts.began, past=over) for one in displayed.CLOCK.findall(word)]
    names = ("ended",) if over else ("begins", "ends")
    for name, at in zip(names, clocks, strict=False):
        if at is None or (name != "ended" and (word.startswith("Running") or not texts.current)):
            continue
        # What should have begun, or ended, by now does so now.
        soon = name != "ended" and at.least < texts.began + 120
        if name != "ends" or is_last:
            yield f"{row} {name}", Shown(0 if soon else at.least, at.most + DRAWN_SECONDS, at.text)


def _rest(text: str) -> Found:
    fits, _, unplanned = text.partition(" Not planned yet: ")
    match = re.match(r"Does not fit now: ([\d,]+) files? \((\S+ \w+)\)", fits)
    yield "quota_waiting_files", displayed.count(match[1]) if match else 0
    yield "says waiting bytes", displayed.size(match[2] if match else "0 B")
    match = re.match(r"([\d,]+) files? \((\S+ \w+)\)", unplanned)
    yield "unplanned_files", displayed.count(match[1]) if match else 0


def capacity(texts: Texts) -> Found:
    if texts["capacity_note"]:
        yield "quota_free_bytes", displayed.size(texts["capacity_note"].removesuffix(" free"))
    for label, value, note in texts["capacity"]:
        match label:
            case "Free now":
                yield "quota_free_bytes", displayed.size(value)
                yield "quota_free_share", displayed.percent(note.partition(" ")[0])
            case "Spent":
                yield "quota_spent_bytes", displayed.size(value)
                yield "quota_limit_bytes", displayed.size(note.removeprefix("of "))
            case "Next return":
                yield "next_return_bytes", displayed.size("0 B" if value == "-" else value)
                if (at := displayed.clock(note.removeprefix("at "), texts.began)) is not None:
                    yield "next_return_at", at
            case _:
                pass
    if texts["returns"]:
        yield from _returns(texts["returns"])


def _returns(text: str) -> Found:
    """ "2.1 GB returns within 24 hours, 1.0 GB later; at most 1.2 GB in one hour."."""
    match = _RETURNS.fullmatch(text)
    if match is None:
        raise ValueError(f"no returns: {text!r}")
    for name, size in zip(("within", "later", "most"), match.groups(), strict=True):
        yield f"returns {name}", displayed.size(size or "0 B")


def queue(texts: Texts) -> Found:
    for text in (texts["queue_note"], texts["queue_totals"].partition("largest")[0]):
        match = re.match(r"(\S+ \w+) in ([\d,]+) files?", text)
        if match:
            yield "queue_bytes", displayed.size(match[1])
            yield "queue_files", displayed.count(match[2])
    largest = texts["queue_totals"].partition("largest ")[2]
    if largest:
        yield "queue_largest", displayed.size(largest)
    for name, value in texts["percentiles"]:
        yield f"queue {name.lower()}", displayed.size(value)


def accounts(texts: Texts) -> Found:
    if texts["accounts_note"]:
        yield "accounts_total", displayed.count(texts["accounts_note"])
    yield "accounts listed", tuple(row[0] for row in texts["accounts"])
    yield "account states", tuple(sorted(texts["accounts_states"]))
    for name, state, why, amount, limit, share, resets in texts["accounts"]:
        row = f"account {name}"
        yield f"{row} word", state
        yield f"{row} spent_bytes", displayed.size(amount)
        if limit:
            yield f"{row} limit_bytes", displayed.size(limit.strip().removeprefix("of "))
            if share:
                yield f"{row} share", displayed.percent(share)
        for part, words in (("used", "used"), ("in_flight", "on its way"), ("unsettled", "unsettled")):
            match = re.search(rf"(\S+ \w+) {words}", why)
            if match and displayed.SIZE.fullmatch(match[1]):
                yield f"{row} {part}_bytes", displayed.size(match[1])
        if texts.current:
            yield f"{row} back_at", texts.at(resets) if resets != "-" else Shown(0, texts.began + 2, resets)
