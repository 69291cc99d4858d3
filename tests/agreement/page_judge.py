"""What the page says and the state document does not; and what of it is old without saying so. Pure."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from tests.agreement.comparing import LATE_SECONDS, STALE_SECONDS
from tests.agreement.displayed import Shown
from tests.agreement.page_panels import CURRENT
from tests.agreement.page_past import NO_WORDS, First
from tests.agreement.page_said import Look
from tests.agreement.reading import Figures, Reading

#: Who lost the program has found it again after so many seconds.
BACK_SECONDS: Final = 8.0
#: How long a publication is on its way to the page, until it is drawn, in seconds.
ON_ITS_WAY_SECONDS: Final = 1.0
#: So many looks may find more than that, and this share of many.
FEW: Final = 3
FEW_SHARE: Final = 0.03
#: Mismatches of one look that are told.
SHOWN: Final = 4
#: Of these modes nothing is said to be of now.
_SAYS_OLD: Final = ("stale", "ended")


@dataclass(frozen=True, slots=True)
class Outage:
    """Nobody answered between these, in epoch seconds."""

    gone_at: float
    back_at: float = math.inf


@dataclass(frozen=True, slots=True)
class Silence(Outage):
    """The rclone of an uploader did nothing between these."""

    uploader: str = ""


class Documents:
    """Documents in the order in which they came, each version once. known: what the page has to say by one of them."""

    def __init__(
        self, readings: Sequence[Reading], known: Callable[[Reading], Figures], outages: Sequence[Outage] = ()
    ) -> None:
        self.readings = readings
        self.known = known
        self.outages = outages
        self._places = {one.version: place for place, one in enumerate(readings)}

    def of(self, look: Look) -> Reading | None:
        """The one that the page says it shows; None when it came to nobody else."""
        place = self._places.get(look.version)
        return None if place is None else self.readings[place]

    def late_seconds(self, look: Look) -> float:
        """For how long the page has been behind by more than one publication, 0 when it is not."""
        place = self._places.get(look.version)
        if place is None or place + 2 >= len(self.readings) or look.mode not in CURRENT or self._is_new(look):
            return 0
        # What was on its way when nobody answered any more has not come.
        at = min([one.gone_at for one in self.outages if one.gone_at < look.began < one.back_at], default=look.began)
        return max(0, at - self.readings[place + 2].ended)

    def _is_new(self, look: Look) -> bool:
        """Whether somebody has just begun to answer, again or at all: the page may not have heard of it yet."""
        if any(0 <= look.began - one.back_at < ON_ITS_WAY_SECONDS for one in self.outages):
            return True
        last = bisect_right(self.readings, look.ended, key=lambda one: one.ended)
        boot = self.readings[last - 1].version.partition(":")[0] if last else ""
        first = next((one for one in self.readings if one.version.startswith(f"{boot}:")), None)
        return first is None or look.began - first.ended < ON_ITS_WAY_SECONDS


def in_order(readings: Sequence[Reading]) -> list[Reading]:
    """Each version once, when it was seen first, in the order of time."""
    first: dict[str, Reading] = {}
    for one in sorted(readings, key=lambda one: one.ended):
        first.setdefault(one.version, one)
    return list(first.values())


def mismatches(look: Look, figures: Figures) -> list[str]:
    """What a look at the page says and these figures do not."""
    found = []
    for place, uploader, name, value in look.said:
        key = uploader, name
        if key not in figures:
            found.append(f"{place}: {uploader} {name} is {value!r}, of which the document says nothing")
        elif not _agrees(value, figures[key]):
            found.append(f"{place}: {uploader} {name} is {value!r}, and in the document {figures[key]!r}")
    return found


def _agrees(value: Any, told: Any) -> bool:
    if isinstance(value, Shown | First):
        return value.fits(told)
    return bool(value == told)


def disagreements(looks: Sequence[Look], documents: Documents) -> Iterator[str]:
    """Looks at the page that do not say, in all of their figures, what the document says that they show."""
    for look in looks:
        one = documents.of(look)
        found = mismatches(look, documents.known(one)) if one is not None else []
        if found:
            more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
            yield f"page, {look.mode}, {look.began:.1f}, {look.version}: {'; '.join(found[:SHOWN])}{more}"


def unknown(looks: Sequence[Look], documents: Documents) -> list[Look]:
    """Looks at a document that came to nobody else: nothing can be said of them."""
    return [one for one in looks if documents.of(one) is None]


def late(looks: Sequence[Look], documents: Documents) -> list[Look]:
    """Looks at a page that is further behind than one publication, besides what is on its way."""
    return [one for one in looks if documents.late_seconds(one) > ON_ITS_WAY_SECONDS]


def lags(looks: Sequence[Look], documents: Documents) -> Iterator[str]:
    """A page that is behind: for too long once, or too often. A busy machine lets a page wait now and then."""
    for look in looks:
        seconds = documents.late_seconds(look)
        if seconds > STALE_SECONDS:
            yield f"page, {look.mode}, {look.began:.1f}, {look.version}: behind for {seconds:.1f} s"
    for what, found in (("behind", late(looks, documents)), ("of nobody's document", unknown(looks, documents))):
        if len(found) > max(FEW, len(looks) * FEW_SHARE):
            yield f"{len(found)} of {len(looks)} looks at the page are {what}, at first {found[0].began:.1f}"


def unsaid(looks: Sequence[Look], outages: Sequence[Outage]) -> Iterator[str]:
    """Looks at a page that has heard nothing for too long and does not say so; or that never comes back."""
    for look in looks:
        for outage in outages:
            since = look.began - outage.gone_at
            if since > STALE_SECONDS + LATE_SECONDS and look.ended < outage.back_at and not _says_old(look):
                yield f"page, {look.began:.1f}: {look.texts['connection']!r} though it is {since:.1f} s old"
        since = _back_for(look, outages)
        if look.mode not in CURRENT and since > BACK_SECONDS:
            yield f"page, {look.began:.1f}: {look.texts['connection']!r} though the program is back for {since:.1f} s"


def _says_old(look: Look) -> bool:
    if look.mode == "stale" and not look.texts["title"].startswith("Stale"):
        return False
    return look.mode in _SAYS_OLD and look.texts["connection"].startswith(("Stale since ", "Ended"))


def _back_for(look: Look, outages: Sequence[Outage]) -> float:
    """For how many seconds the program has been back, 0 when it never was away."""
    # The program says that it ends before it is gone.
    early = 4 if look.mode == "ended" else 1
    if any(one.gone_at - early < look.ended and look.began < one.back_at for one in outages):
        return 0
    back = [one.back_at for one in outages if one.back_at <= look.began]
    return look.began - max(back) if back else 0


def moved(looks: Sequence[Look]) -> Iterator[str]:
    """Figures that change while the page says that they are old."""
    for one, other in pairwise(looks):
        if one.mode == other.mode == "stale" and one.texts["chosen"] == other.texts["chosen"]:
            for place in _differing(one.texts, other.texts):
                before, after = one.texts[place], other.texts[place]
                yield f"page, {other.began:.1f}: {place} was {before!r}, is {after!r} while it is stale"


def _differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    # What is chosen of the history may be chosen anew, and then there is nothing to show.
    chosen = [place for place in ("history_metric", "history_range") if one.get(place) != other.get(place)]
    asked = [place for place in ("history",) if str(other.get(place)).startswith(NO_WORDS)]
    return [place for place in one if one[place] != other[place] and place not in (*chosen, *asked)]


def hushed(documents: Sequence[Reading], silences: Sequence[Silence]) -> Iterator[str]:
    """Documents that do not say of an upload of which nothing is heard since when that is so."""
    for silence in silences:
        last = silence.gone_at + LATE_SECONDS
        for one in documents:
            told = {key: one.figures.get((silence.uploader, key)) for key in ("phase", "stale_since", "speed")}
            old = one.began - silence.gone_at > STALE_SECONDS + LATE_SECONDS and one.ended < silence.back_at
            if old and told["phase"] in ("uploading", "throttled") and not 0 < (told["stale_since"] or 0) <= last:
                yield f"{one.version}: {silence.uploader} is {told}, and nothing was heard since {silence.gone_at:.1f}"
            elif old and told["speed"]:
                yield f"{one.version}: {silence.uploader} has a speed; nothing was heard since {silence.gone_at:.1f}"


def behind(readings: Sequence[Reading], documents: Sequence[Reading]) -> Iterator[str]:
    """Answers that are older than what had been published when they were asked for."""
    seen: dict[str, tuple[list[float], list[int]]] = {}
    for one in documents:
        boot, _, number = one.version.partition(":")
        times, numbers = seen.setdefault(boot, ([], []))
        times.append(one.ended)
        numbers.append(max(int(number), numbers[-1] if numbers else 0))
    for one in readings:
        boot, _, number = one.version.partition(":")
        times, numbers = seen.get(boot, ([], []))
        place = bisect_right(times, one.began)
        # The stream's own readings begin when they end.
        if place and int(number) < numbers[place - 1] and one.source != "stream":
            yield f"{one.source} is of {one.version}, asked for after {boot}:{numbers[place - 1]} had come"
