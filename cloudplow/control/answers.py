"""One line of a caller -> the line that answers it. Pure: no sockets, and nothing that a caller sends raises here."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from typing import Any, Final, NoReturn, TypeAlias

from cloudplow.errors import CloudplowError

log = logging.getLogger("cloudplow.control")

#: Does what a request asks for: the request -> what the answer holds besides "ok", ready for JSON. It runs on the
#: control thread, so it must be quick. A CloudplowError or ValueError becomes the sentence of the answer.
Handler: TypeAlias = Callable[[Mapping[str, Any]], Mapping[str, Any]]

#: The longest request, in bytes, without its line end.
MAX_LINE_BYTES: Final = 64 << 10
TOO_LONG: Final = f"a request must be one line of at most {MAX_LINE_BYTES:,} bytes"
#: How much of what a caller sent is repeated to him, in characters.
_SHOWN_CHARACTERS: Final = 40


def answer(handlers: Mapping[str, Handler], line: bytes) -> bytes:
    """The answer to one line, with its line end."""
    try:
        request = read_request(line)
        handler = _handler(handlers, request)
    except ValueError as error:
        return refusal(str(error))
    try:
        return _encode({"ok": True, **handler(request)})
    except (CloudplowError, ValueError) as error:
        return refusal(str(error))
    except Exception:
        # A mistake of ours must end neither the socket nor the upload.
        log.exception("the control socket cannot answer %r", request["do"])
        return refusal("this failed through a fault in cloudplow; its log says more")


def refusal(sentence: str) -> bytes:
    """The answer that says why not, with its line end."""
    return _encode({"ok": False, "error": sentence})


def read_request(line: bytes) -> dict[str, Any]:
    """The request in a line. Raises ValueError with a sentence."""
    if len(line) > MAX_LINE_BYTES:
        raise ValueError(TOO_LONG)
    try:
        request = json.loads(line.decode("utf-8"), parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise ValueError('a request must be one JSON object, such as {"do": "status"}') from error
    if not isinstance(request, dict):
        raise ValueError(f'a request must be a JSON object, such as {{"do": "status"}}, not {_shown(request)}')
    return request


def _no_number(token: str) -> NoReturn:
    raise ValueError(f"{token} is not JSON")


def _handler(handlers: Mapping[str, Handler], request: Mapping[str, Any]) -> Handler:
    known = ", ".join(f'"{name}"' for name in sorted(handlers)) or "nothing"
    if "do" not in request:
        raise ValueError(f'a request must say what to do: "do" is one of {known}')
    what = request["do"]
    if not isinstance(what, str) or what not in handlers:
        raise ValueError(f'"do" cannot be {_shown(what)}: it is one of {known}')
    return handlers[what]


def _shown(value: object) -> str:
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    text = json.dumps(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}..."


def _encode(document: Mapping[str, Any]) -> bytes:
    try:
        return json.dumps(document, allow_nan=False).encode() + b"\n"
    except ValueError as error:
        raise TypeError(f"not ready for JSON: {error}") from error
