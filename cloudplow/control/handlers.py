"""What can be asked for through the control socket: one function for each "do"."""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Protocol

from cloudplow.control.answers import Handler
from cloudplow.control.feed import Feed
from cloudplow.control.server import ControlSocket
from cloudplow.errors import BusyError, StateError
from cloudplow.hookspecs import PluginControls
from cloudplow.models import UploaderStatus
from cloudplow.units import parse_size_bytes

log = logging.getLogger("cloudplow.control")

_LONGEST_PAUSE_SECONDS = 10 * 366 * 86400.0


class SteeredControls(PluginControls, Protocol):
    """The controls of all sessions. started_at: epoch seconds at which the program started."""

    @property
    def started_at(self) -> float: ...

    def run_ids(self, uploaders: Iterable[str]) -> Mapping[str, str]: ...


class Steered(Protocol):
    """What the handlers need of the running program."""

    @property
    def state_dir(self) -> Path: ...
    @property
    def version(self) -> str: ...
    @property
    def services(self) -> Mapping[str, str]: ...
    @property
    def controls(self) -> SteeredControls: ...

    def accounts_document(self, names: Sequence[str] = ()) -> dict[str, list[dict[str, Any]]]: ...

    def correct(self, uploader: str, account: str, used_bytes: int, *, by: str, who: str) -> str: ...

    def syncers(self) -> Mapping[str, UploaderStatus]: ...

    def configuration(self) -> dict[str, Any]: ...

    def problems(self) -> list[str]: ...


@contextmanager
def steered(app: Steered, flush: Callable[[Callable[..., None]], object]) -> Iterator[None]:
    """While inside, the program can be asked, steered and followed through its socket.

    flush: waits until a receiver of events has got all that were published. The caller holds the state lock. A socket
    that cannot be made is one warning, as an upload can do without it.
    """
    feed = Feed()
    control = ControlSocket(app.state_dir, handlers(app), feed)
    feed.connect()
    try:
        try:
            control.start()
        except (BusyError, StateError) as error:
            log.warning("cloudplow cannot be asked or steered from outside: %s", error)
        yield
    finally:
        # Each step even if a second Ctrl-C interrupts the one before it.
        with ExitStack() as ending:
            ending.callback(control.stop)
            ending.callback(feed.disconnect)
            # Who follows is told the end, too.
            flush(feed.receive)


def handlers(app: Steered) -> Mapping[str, Handler]:
    """What can be asked for, by the "do" of a request. To add one: a function below, and its line here."""
    return {
        "status": lambda _request: status(app),
        "health": lambda _request: {"problems": app.problems()},
        "start": lambda request: start(app, request),
        "stop": lambda request: stop(app, request),
        "pause": lambda request: pause(app, request),
        "resume": lambda request: resume(app, request),
        "limit": lambda request: limit(app, request),
        "accounts": lambda request: accounts(app, request),
        "correct": lambda request: correct(app, request),
        # The server goes on from here: a line for each event.
        "follow": lambda _request: whom_to_follow(app),
    }


def status(app: Steered) -> dict[str, Any]:
    """What `cloudplow status --json` prints; null is what is not known."""
    return {
        "pid": os.getpid(),
        "version": app.version,
        "started_at": app.controls.started_at,
        "uploaders": {name: _uploader(one) for name, one in app.controls.status().items()},
        "syncers": {name: _uploader(one) for name, one in app.syncers().items()},
        "limit_bytes_per_second": app.controls.limit_bytes(),
        "config": app.configuration(),
    }


def whom_to_follow(app: Steered) -> dict[str, Any]:
    """{"do": "follow"} -> who is followed; services: what plugins offer, by name. Events follow as lines."""
    return {
        "pid": os.getpid(),
        "version": app.version,
        "started_at": app.controls.started_at,
        "services": dict(app.services),
    }


def _uploader(status: UploaderStatus) -> dict[str, Any]:
    return {
        "state": status.state,
        "why": status.why,
        "until": status.until,
        "next_check_at": status.next_check_at,
        "files_left": status.files_left,
        "bytes_left": status.bytes_left,
        "left_out": status.left_out,
    }


def start(app: Steered, request: Mapping[str, Any]) -> dict[str, Any]:
    """{"do": "start", "names": [UPLOADER, ...] or "name": UPLOADER, "unless_paused": false} -> {"said": {UPLOADER:
    sentence}}. unless_paused: refuse instead of ending a pause.

    Raises ValueError with a sentence, CloudplowError.
    """
    names = request.get("names", [request.get("name")])
    if not isinstance(names, list) or not names:
        raise ValueError('"names" must be a list of uploaders')
    known = [_known_uploader(app, name) for name in names]
    unless_paused = _flag(request, "unless_paused")
    said: dict[str, str] = {}
    for name in known:
        said |= app.controls.start(name, **_who(request), unless_paused=unless_paused)
    return {"said": said, "run_ids": dict(app.controls.run_ids(known))}


def stop(app: Steered, request: Mapping[str, Any]) -> dict[str, Any]:
    """{"do": "stop", "name": UPLOADER or null for all, "now": true to cut files off} -> {"said": {UPLOADER: sentence},
    "stopping": [UPLOADER, ...]}, without those that had nothing to end.

    Raises ValueError with a sentence.
    """
    name = named_uploader(app, request)
    said = app.controls.stop(name, now=_flag(request, "now"), **_who(request))
    return {"said": dict(said), "stopping": list(said)}


def pause(app: Steered, request: Mapping[str, Any]) -> dict[str, Any]:
    """{"do": "pause", "name": UPLOADER or null for all, "seconds": NUMBER or null for ever} -> {"said": ...}.

    Raises ValueError with a sentence.
    """
    seconds = request.get("seconds")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float | None):
        raise ValueError('"seconds" must be a number')
    if seconds is not None and not (math.isfinite(seconds) and 0 < seconds <= _LONGEST_PAUSE_SECONDS):
        raise ValueError("a pause must be longer than 0 seconds and no longer than ten years")
    name = named_uploader(app, request)
    return {"said": dict(app.controls.pause(name, seconds=seconds, **_who(request)))}


def resume(app: Steered, request: Mapping[str, Any]) -> dict[str, Any]:
    """{"do": "resume", "name": UPLOADER or null for all} -> {"said": ...}. Raises ValueError with a sentence."""
    return {"said": dict(app.controls.resume(named_uploader(app, request), **_who(request)))}


def limit(app: Steered, request: Mapping[str, Any]) -> dict[str, Any]:
    """{"do": "limit", "rate": "5M", as rclone writes it, or "off"} -> {"said": ...}. Raises ValueError."""
    return {"said": dict(app.controls.limit(read_rate(request.get("rate")), **_who(request)))}


def read_rate(text: object) -> int | None:
    """A speed as rclone writes it, in bytes per second; None for "off". Raises ValueError with a sentence."""
    if not isinstance(text, str):
        raise ValueError('"rate" must be a text such as "5M" or "off"')
    if text.strip().lower() in ("off", "none", "0"):
        return None
    try:
        rate = parse_size_bytes(text)
    except ValueError:
        rate = 0
    if not rate:
        raise ValueError(f'"{text[:40]}" is not a speed; write it as rclone does, for example "5M", or "off"')
    return rate


def _flag(request: Mapping[str, Any], key: str) -> bool:
    value = request.get(key, False)
    if not isinstance(value, bool):
        raise ValueError(f'"{key}" must be true or false')
    return value


def _who(request: Mapping[str, Any]) -> dict[str, str]:
    by, who = request.get("by", "cli"), request.get("who", "")
    if not isinstance(by, str) or not isinstance(who, str):
        raise ValueError('"by" and "who" must be names')
    return {"by": by[:20], "who": who[:100]}


def accounts(app: Steered, request: Mapping[str, Any]) -> dict[str, Any]:
    """{"do": "accounts", "names": [UPLOADER, ...] or [] for all} -> {"accounts": the document of `cloudplow accounts`}.

    Raises ValueError with a sentence, CloudplowError.
    """
    names = request.get("names", [])
    if not isinstance(names, list):
        raise ValueError('"names" must be a list of uploaders')
    return {"accounts": app.accounts_document([_known_uploader(app, name) for name in names])}


def correct(app: Steered, request: Mapping[str, Any]) -> dict[str, Any]:
    """{"do": "correct", "uploader": ..., "account": ..., "used_bytes": N, "who": ...} -> {"said": a sentence}.

    Raises ValueError with a sentence, CloudplowError.
    """
    uploader, account = _known_uploader(app, request.get("uploader")), request.get("account")
    used_bytes, who = request.get("used_bytes"), request.get("who", "")
    if not isinstance(account, str) or not isinstance(who, str):
        raise ValueError('"account" and "who" must be names')
    if isinstance(used_bytes, bool) or not isinstance(used_bytes, int) or not 0 <= used_bytes < 1 << 62:
        raise ValueError('"used_bytes" must be a number of bytes')
    return {"said": app.correct(uploader, account, used_bytes, by="cli", who=who)}


def _known_uploader(app: Steered, name: object) -> str:
    found = named_uploader(app, {"name": name})
    if found is None:
        raise ValueError("an uploader must be named")
    return found


def named_uploader(app: Steered, request: Mapping[str, Any]) -> str | None:
    """The uploader that a request names; None for all. Raises ValueError with a sentence."""
    name = request.get("name")
    known = app.controls.status()
    if name is None:
        return None
    if not isinstance(name, str):
        raise ValueError('"name" must be the name of an uploader')
    if name not in known:
        raise ValueError(f'there is no uploader "{name}"; the configuration has: {", ".join(known) or "none"}')
    return name
