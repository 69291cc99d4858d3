"""What is sent to a receiver: jobs for the worker, ready for JSON. Pure.

The addresses and tokens in them are secrets: they go to the worker through a pipe, and nowhere else.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote, urlencode, urlsplit, urlunsplit

from cloudplow.services.notify.config import Receiver
from cloudplow.services.notify.levels import Level, Message
from cloudplow.services.notify.monitors import Ping
from cloudplow.services.notify.texts import ALIVE, shortened

Job = dict[str, Any]

PUSHOVER: Final = "https://api.pushover.net/1/messages.json"
#: Services that are pinged, and get no messages.
MONITORS: Final = frozenset({"healthchecks", "uptimekuma"})
#: Limits of Pushover, in characters; the others take more than a message ever has.
_PUSHOVER_TEXT: Final = 1024
_TITLE: Final = 250
#: An emergency (priority 2) needs to know how often it is repeated and for how long, in seconds.
_EMERGENCY: Final = {"retry": "60", "expire": "3600"}
_APPRISE_TYPES: Final[Mapping[Level, str]] = {Level.INFO: "info", Level.WARNING: "warning", Level.ERROR: "failure"}
_JSON: Final = "application/json; charset=utf-8"


def message_job(receiver: Receiver, message: Message) -> Job:
    """A message for a built-in service."""
    title, text = shortened(receiver.title, _TITLE), message.text
    match receiver.service:
        case "pushover":
            fields = {"token": receiver.app_token or "", "user": receiver.user_token or ""}
            fields |= {"title": title, "message": shortened(text, _PUSHOVER_TEXT), "priority": str(receiver.priority)}
            return _form(PUSHOVER, fields | (_EMERGENCY if receiver.priority == 2 else {}))
        case "slack":
            return _json(receiver.webhook_url or "", _slack(receiver, title, text))
        case "googlechat":
            return _google_chat(receiver, title, text)
        case _:
            kind = _APPRISE_TYPES[message.level]
            return {"kind": "apprise", "urls": receiver.url or "", "title": title, "text": text, "type": kind}


def ping_job(receiver: Receiver, ping: Ping) -> Job:
    """A ping for Healthchecks."""
    parts = urlsplit(receiver.url or "")
    path = f"{parts.path.rstrip('/')}/{ping.action}" if ping.action else parts.path.rstrip("/")
    query = "&".join(one for one in (parts.query, urlencode({"rid": ping.rid})) if one)
    return _http(urlunsplit(parts._replace(path=path, query=query)), ping.text, "text/plain; charset=utf-8")


def beat_job(receiver: Receiver, down_because: str) -> Job:
    """A beat for Uptime Kuma, whose address people copy with its example of a query."""
    parts = urlsplit(receiver.url or "")
    query = {"status": "down" if down_because else "up", "msg": shortened(down_because, 200) or ALIVE, "ping": ""}
    return _http(urlunsplit(parts._replace(query=urlencode(query))), "", "text/plain")


def _slack(receiver: Receiver, title: str, text: str) -> Mapping[str, str]:
    for char, written in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(char, written)
    icon = receiver.sender_icon
    content = {"username": receiver.sender_name}
    content["text"] = text if title == receiver.sender_name else _titled(title, text)
    content["icon_url" if icon.startswith(("http://", "https://")) else "icon_emoji"] = icon
    return content | ({"channel": receiver.channel} if receiver.channel else {})


def _titled(title: str, text: str) -> str:
    return f"*{title}*\n{text}" if title else text


def _google_chat(receiver: Receiver, title: str, text: str) -> Job:
    url, content = receiver.webhook_url or "", {"text": _titled(title, text)}
    if not receiver.thread_key:
        return _json(url, content)
    option = urlencode({"messageReplyOption": "REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD"})
    threaded = {**content, "thread": {"threadKey": receiver.thread_key}}
    return _json(f"{url}{'&' if '?' in url else '?'}{option}", threaded)


def _json(url: str, content: Mapping[str, Any]) -> Job:
    return _http(url, json.dumps(content), _JSON)


def _form(url: str, fields: Mapping[str, str]) -> Job:
    return _http(url, urlencode(fields), "application/x-www-form-urlencoded")


def _http(url: str, body: str, kind: str) -> Job:
    """A POST. User and password in an address become the header that they stand for."""
    headers = {"Content-Type": kind, "User-Agent": "cloudplow"}
    parts = urlsplit(url)
    user_part, at, host = parts.netloc.rpartition("@")
    if at:
        pair = unquote(user_part).encode()
        headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        url = urlunsplit(parts._replace(netloc=host))
    return {"kind": "http", "url": url, "headers": headers, "body": body}
