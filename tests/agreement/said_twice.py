"""What one answer says twice, for programs and for people, and not the same. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from tests.agreement import displayed

#: Numbers whose words are named otherwise.
_NUMBERS: Final = {
    "quota_used_human": "quota_spent_bytes",
    "quota_limit_human": "quota_limit_bytes",
    "duration_human": "duration_seconds",
    "eta_human": "eta_seconds",
}
_STATES: Final = ("ready", "active", "cooling", "denied", "failed")
#: A time left is rounded, and belongs to a moment between the question and the answer.
_ROUNDED_SECONDS: Final = 1.5


def faults(source: str, answer: Any, began: float, ended: float) -> Iterator[str]:
    """began, ended: epoch seconds between which it was read."""
    if isinstance(answer, list):
        for one in answer:
            yield from faults(source, one, began, ended)
    elif isinstance(answer, Mapping):
        for one in answer.values():
            yield from faults(source, one, began, ended)
        yield from _of(source, answer, began, ended)


def _of(source: str, answer: Mapping[str, Any], began: float, ended: float) -> Iterator[str]:
    for key, text in answer.items():
        name = _NUMBERS.get(key, key.removesuffix("_human"))
        number = answer.get(name, answer.get(name.removesuffix("_seconds")))
        if key.endswith("_human") and not _shown(key, text).fits(number):
            yield f"{source}: {key} is {text!r}, and {name} {number!r}"
    finish_at, left = answer.get("finish_at", 0), answer.get("eta_seconds")
    if finish_at and left is not None and finish_at > ended:
        least, most = finish_at - ended - _ROUNDED_SECONDS, finish_at - began + _ROUNDED_SECONDS
        if not least <= left <= most:
            yield f"{source}: {left} s left, and finish_at in {finish_at - ended:.1f} s"
    parts: list[int] = [answer.get(f"quota_{part}_bytes", -1) for part in ("used", "in_flight", "unsettled", "spent")]
    if -1 not in parts and sum(parts[:3]) != parts[3]:
        yield f"{source}: used, in flight, unsettled and spent are {parts}"
    states = [answer[f"accounts_{state}"] for state in _STATES if f"accounts_{state}" in answer]
    if states and sum(states) != answer["accounts_total"]:
        yield f"{source}: {answer['accounts_total']} accounts, in their states {states}"


def _shown(key: str, text: str) -> displayed.Shown:
    if key in ("duration_human", "eta_human"):
        return displayed.seconds(text)
    return displayed.size(text.removesuffix("/s"))
