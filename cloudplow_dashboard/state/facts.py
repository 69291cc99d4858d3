"""What happened, one sentence for each event that is worth one. Not thread-safe: the state's lock guards it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Final

from cloudplow.events import ControlUsed, Event, SessionFinished, amount, sentence
from cloudplow_dashboard.state import clean
from cloudplow_dashboard.state.bounded import Numbered
from cloudplow_dashboard.state.document import Fact
from cloudplow_dashboard.state.uploader_state import UploaderState

#: Sentences kept, newest last.
FACTS_LIMIT: Final = 100
#: Longest sentence, in characters.
SENTENCE_LIMIT: Final = 500
#: What somebody asked for, where the event does not say what is now so.
_ASKED_FOR: Final = {"reload": "the configuration was read again"}


class Facts:
    """The latest ones. dirty: they have changed since somebody set it to false."""

    def __init__(self) -> None:
        self._kept: Numbered[Fact] = Numbered(FACTS_LIMIT)
        self.dirty = False

    def take(self, event: Event, at: float, uploader: UploaderState | None) -> None:
        """Put an event into words. at: epoch seconds; uploader: whose it is, None if it is about the program."""
        known_paths = uploader.known_paths() if uploader is not None else ()
        text = sentence(clean.event(_in_words(event), at=at, known_paths=known_paths))
        if isinstance(event, SessionFinished) and uploader is not None and uploader.session["dry_run"]:
            text = _dry_run(uploader, event, known_paths)
        number = self._kept.next_number(clean.whole(event.seq))
        fact: Fact = {
            "seq": number,
            "at": at,
            "uploader": uploader.name if uploader is not None else "",
            "kind": event.signal_name,
            "text": clean.sentence(text, SENTENCE_LIMIT),
        }
        self._kept.add(fact, number)
        self.dirty = True

    def document(self) -> dict[str, Fact]:
        """The `facts` part of the state document."""
        return self._kept.document()


def _dry_run(u: UploaderState, event: SessionFinished, known_paths: Sequence[str]) -> str:
    """The end of a dry run says what would go, not that nothing went."""
    session = u.session
    text = f"Dry run: {amount(session['would_go_files'], session['would_go_bytes'])} would go"
    beyond = session["files_left"] - session["would_go_files"]
    if beyond > 0:
        text += f"; {amount(beyond, session['bytes_left'] - session['would_go_bytes'])} would not"
    reason = clean.redact(event.reason, known_paths=known_paths)
    return f"{text}; {reason}" if reason else text


def _in_words(event: Event) -> Event:
    if isinstance(event, ControlUsed) and not event.what:
        return dataclasses.replace(event, what=_ASKED_FOR.get(event.action, event.action))
    return event
