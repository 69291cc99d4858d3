"""Tells what people publish in place of a token from a token. Pure.

A real one that is taken for a placeholder would leave somebody without messages, so only plain cases count.
"""

from __future__ import annotations

import re
from typing import Final

#: What stands between two of these is a part of an address.
_BETWEEN: Final = re.compile(r"[/:@?&=\s]+")
_WHOLE: Final = frozenset(
    {
        "none",
        "null",
        "todo",
        "n/a",
        "na",
        "changeme",
        "change_me",
        "change-me",
        "replaceme",
        "replace_me",
        "placeholder",
    }
)
#: "xxxx", "****", "...", "YOUR_TOKEN", "<token>", "{token}", "[token]".
_PART: Final = re.compile(r"x{3,}(?:-x{3,})*|\*{3,}|\.{3,}|…|your.*|<.*>|\{.*\}|\[[a-z].*\]", re.IGNORECASE)
#: Names as apprise's manual has them ("discord://id/token"); an address of the web may have such a part.
_MANUAL: Final = frozenset(
    {"token", "tokena", "tokenb", "tokenc", "id", "webhook_id", "webhook_token", "webhookid", "webhooktoken"}
    | {"bottoken", "bot_token", "chatid", "chat_id", "apikey", "api_key", "userkey", "user_key", "user@token"}
)
_EXAMPLE: Final = re.compile(r"(?:^|[/@.])example\.(?:com|org|net)(?:[:/?]|$)", re.IGNORECASE)


def is_placeholder(value: str) -> bool:
    """Whether a value stands for one that nobody has put in yet."""
    text = value.strip()
    if text.lower() in _WHOLE or _EXAMPLE.search(text):
        return True
    scheme, _, rest = text.rpartition("://")
    parts = [part for part in _BETWEEN.split(rest) if part]
    if any(_PART.fullmatch(part) or part.lower() in _WHOLE for part in parts):
        return True
    return bool(scheme) and not scheme.lower().startswith("http") and any(part.lower() in _MANUAL for part in parts)
