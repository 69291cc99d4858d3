"""The names that this machine goes by. Read once, without asking anybody on the network: that could take long."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

HOSTS_FILE: Final = Path("/etc/hosts")
RESOLVER_FILE: Final = Path("/etc/resolv.conf")
#: More than such a file needs, in characters.
_FILE_LIMIT: Final = 1 << 16


def own_names(hosts_file: Path = HOSTS_FILE, resolver_file: Path = RESOLVER_FILE) -> tuple[str, ...]:
    """The host name, what the hosts file has beside it, and the host name in the domains of the local network."""
    name = socket.gethostname()
    return tuple(dict.fromkeys((name, *_aliases(hosts_file, name), *_in_domains(resolver_file, name))))


def _lines(file: Path) -> Iterable[list[str]]:
    try:
        with file.open(encoding="utf-8", errors="replace") as opened:
            text = opened.read(_FILE_LIMIT)
    except OSError:
        return []
    return [line.partition("#")[0].split() for line in text.splitlines()]


def _aliases(file: Path, name: str) -> Iterator[str]:
    for words in _lines(file):
        if name in words[1:]:
            yield from words[1:]


def _in_domains(file: Path, name: str) -> Iterator[str]:
    short = name.partition(".")[0]
    for words in _lines(file):
        if words and words[0] in ("search", "domain"):
            yield from (f"{short}.{domain.strip('.')}" for domain in words[1:] if domain.strip("."))
