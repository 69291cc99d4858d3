"""Where log lines go: a rotating file and the terminal. Nothing that a line quotes can break it."""

from __future__ import annotations

import logging
import re
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any, Final

_FORMAT: Final = "%(asctime)s %(levelname)-7s %(name)-20s %(message)s"
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_FILE_BYTES: Final = 5 << 20
_FILES: Final = 5


def escape_control(text: str) -> str:
    """Escape control characters, direction overrides and lone surrogates: file names may contain any of them."""
    return _CONTROL.sub(lambda match: match.group().encode("unicode_escape").decode(), text)


class OneLineFormatter(logging.Formatter):
    """Messages are one line; only our own tracebacks add more."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        record.message = escape_control(record.message)
        return super().formatMessage(record)

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        return _indented(super().formatException(ei))

    def formatStack(self, stack_info: str) -> str:  # noqa: N802 - logging's name
        return _indented(super().formatStack(stack_info))


def _indented(text: str) -> str:
    """Indented lines, which cannot be mistaken for log lines, whatever an error quotes."""
    return "\n".join(f"  {escape_control(line)}" for line in text.split("\n"))


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
    formatter = OneLineFormatter(_FORMAT)
    shown = terminal or _OutputHandler(sys.stdout)
    # A handler that was passed in shows time and level in its own way.
    shown.setFormatter(OneLineFormatter("%(message)s") if terminal else formatter)
    root.addHandler(shown)
    if logfile is None:
        return
    try:
        file = RotatingFileHandler(logfile, maxBytes=_FILE_BYTES, backupCount=_FILES, encoding="utf-8", delay=False)
    except OSError as error:
        text = "The log file %s cannot be written: %s; check the folder and its permissions"
        logging.getLogger("cloudplow").warning(text, logfile, error.strerror)
        return
    file.setFormatter(formatter)
    root.addHandler(file)
