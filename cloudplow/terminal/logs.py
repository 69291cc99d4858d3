"""Where log lines go: a rotating file and the terminal. Nothing that a line quotes can break it."""

from __future__ import annotations

import io
import json
import logging
import os
import re
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any, Final

from cloudplow.events import Event
from cloudplow.events.wire import encode
from cloudplow.redaction import without_secrets

_FORMAT: Final = "%(asctime)s %(levelname)-7s %(name)-20s %(message)s"
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_FILE_BYTES: Final = 5 << 20
_FILES: Final = 5


def escape_control(text: str) -> str:
    """Escape control characters, direction overrides and lone surrogates: file names may contain any of them."""
    return _CONTROL.sub(lambda match: match.group().encode("unicode_escape").decode(), text)


class OneLineFormatter(logging.Formatter):
    """Messages are one line without secrets; only our own tracebacks add more."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        record.message = escape_control(_clean(record))
        return super().formatMessage(record)

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        return _indented(super().formatException(ei))

    def formatStack(self, stack_info: str) -> str:  # noqa: N802 - logging's name
        return _indented(super().formatStack(stack_info))


def _clean(record: logging.LogRecord) -> str:
    """Its message without secrets. Names of files in the sentence of an event stay as they are."""
    message = record.getMessage()
    return message if event_of(record) is not None else without_secrets(message)


def event_of(record: logging.LogRecord) -> Event | None:
    """The event that a line tells, with its texts cleaned before."""
    event = getattr(record, "event", None)
    return event if isinstance(event, Event) else None


class JsonFormatter(logging.Formatter):
    """One JSON object on a line, for machines.

    ts: epoch seconds; level: "debug", "info", "warning", "error"; logger; message. Where there are any: event (its
    fields, with "signal"), traceback.
    """

    def format(self, record: logging.LogRecord) -> str:
        told: dict[str, Any] = {
            "ts": round(record.created, 3),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _clean(record),
        }
        event = event_of(record)
        if event is not None:
            told["event"] = encode(event)
        if record.exc_info:
            told["traceback"] = without_secrets(self.formatException(record.exc_info))
        try:
            return json.dumps(told, allow_nan=False, default=str)
        except ValueError:
            # Nothing that reads JSON takes a number that is none.
            del told["event"]
            return json.dumps(told, default=str)


def _indented(text: str) -> str:
    """Indented lines, which cannot be mistaken for log lines, whatever an error quotes."""
    return "\n".join(f"  {escape_control(line)}" for line in without_secrets(text).split("\n"))


class _LogFile(RotatingFileHandler):
    """A log that only its owner may read, also what an older version left."""

    def _open(self) -> io.TextIOWrapper:
        opened = open(  # noqa: SIM115 - the handler closes it
            self.baseFilename, self.mode, encoding=self.encoding, errors="backslashreplace", opener=_for_us_alone
        )
        assert isinstance(opened, io.TextIOWrapper)
        return opened


def _for_us_alone(path: str, flags: int) -> int:
    descriptor = os.open(path, flags | os.O_CLOEXEC, 0o600)
    try:
        if os.fstat(descriptor).st_mode & 0o077 and os.fstat(descriptor).st_uid == os.geteuid():
            os.fchmod(descriptor, 0o600)
    except OSError:
        pass  # some network file systems have no modes
    return descriptor


#: Whether lines are for machines.
_json_lines = False


def use_json(on: bool) -> None:
    """From the next `set_up` on, lines are JSON objects, or not."""
    global _json_lines
    _json_lines = on


def uses_json() -> bool:
    """Whether lines are JSON objects."""
    return _json_lines


def _formatter(text: str) -> logging.Formatter:
    return JsonFormatter() if _json_lines else OneLineFormatter(text)


def say(text: str, level: int = logging.ERROR) -> None:
    """Tell, on standard error, what no log is set up for yet."""
    record = logging.LogRecord("cloudplow", level, "", 0, text, None, None)
    prefix = "cloudplow: warning: " if level == logging.WARNING else "cloudplow: "
    line = JsonFormatter().format(record) if _json_lines else prefix + escape_control(without_secrets(text))
    sys.stderr.write(f"{line}\n")


class _OutputHandler(logging.StreamHandler[Any]):
    """Lines on standard output. What nobody reads any more, or finds no room, is lost without a traceback each time."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)


def set_up(level: str, logfile: Path | None, *, terminal: logging.Handler | None = None) -> None:
    """Send log lines to a rotating file (unless None) and to the terminal (default: standard output).

    level: "WARN", "INFO" or "DEBUG". A file that cannot be opened causes one warning.
    """
    # A line that cannot be written (a full disk) is lost; a traceback for each one would be no better.
    logging.raiseExceptions = False
    root = logging.getLogger()
    for handler in list(root.handlers):
        root.removeHandler(handler)
        handler.close()
    root.setLevel({"WARN": logging.WARNING}.get(level, level))
    formatter = _formatter(_FORMAT)
    shown = terminal or _OutputHandler(sys.stdout)
    # A handler that was passed in shows time and level in its own way.
    shown.setFormatter(_formatter("%(message)s") if terminal else formatter)
    root.addHandler(shown)
    if logfile is None:
        return
    try:
        file = _LogFile(logfile, maxBytes=_FILE_BYTES, backupCount=_FILES, encoding="utf-8", delay=False)
    except OSError as error:
        text = "The log file %s cannot be written: %s; check the folder and its permissions"
        logging.getLogger("cloudplow").warning(text, logfile, error.strerror)
        return
    file.setFormatter(formatter)
    root.addHandler(file)
