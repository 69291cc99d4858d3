"""Troubles that are nobody's fault here: network, names, token service, a disk, the machine's clock. Pure.

No account is set aside for them and no file is given up; the upload waits. Texts observed with 1.60.1 and 1.75.2.
"""

from __future__ import annotations

import re
from typing import Final

_DISK_ERRORS: Final = (
    "input/output error|stale (?:NFS )?file handle|transport endpoint is not connected|too many open files|"
    "no space left on device|disk quota exceeded|read-only file system|structure needs cleaning|cannot allocate memory"
)
# Tried in this order; the first match decides. The groups are inserted into the sentence.
_OUTAGES: Final = (
    (
        re.compile(r"invalid_grant.{0,200}(?:short-lived|\biat\b|\bexp\b|clock)", re.DOTALL | re.IGNORECASE),
        "this machine's clock is wrong, so Google refuses every account: set it (timedatectl set-ntp true)",
    ),
    (re.compile(r"proxyconnect tcp: (.{1,200})"), "no network: the proxy cannot be reached: {}"),
    (
        re.compile(
            r"\blookup ([^\s:]{1,255})(?: on \S{1,100}?)?: "
            r"(no such host|server misbehaving|i/o timeout|.{0,40}[Tt]emporary failure.{0,40}|device or resource busy|"
            r"(?:dial|read) udp .{1,200}|cannot unmarshal DNS message)"
        ),
        "no network: the name {} cannot be looked up: {}",
    ),
    (
        re.compile(r"\bdial (?:tcp|udp)[46]? (\S{1,300}?): (?:connect: |socket: )?([^\n]{1,200})"),
        "no network: {} cannot be reached: {}",
    ),
    (re.compile(r"\b(network is (?:unreachable|down)|no route to host|host is down)"), "no network: {}"),
    (re.compile(r"\b(TLS handshake timeout|tls: [^\n]{1,200}|x509: [^\n]{1,200})"), "no safe connection: {}"),
    (
        re.compile(r"(?:cannot|couldn't) fetch token: ((?:408|429|5\d\d)\b[^\n]{0,100})"),
        "Google's token service does not work: {}",
    ),
    # No answer to the request at all; what a key is refused for comes with a status and a response.
    (
        re.compile(r"(?:cannot|couldn't) fetch token: (?:Post|Get) \"[^\"\n]{0,300}\": ([^\n]{1,200})"),
        "Google's token service does not answer: {}",
    ),
    (
        re.compile(r"(?:cannot|couldn't) (?:fetch token: .{0,100}|)(cannot parse (?:json|response)[^\n]{0,100})"),
        "Google's token service does not answer as it should (a portal that wants a login?): {}",
    ),
    (
        re.compile(
            r"\b(?:Get|Post|Put|Patch|Delete|Head) \"https?://[^\"\n]{1,2000}\": "
            r"(Bad Gateway|Service Unavailable|Gateway Timeout|Proxy Authentication Required)"
        ),
        "no network: the proxy does not let us through: {}",
    ),
    (
        re.compile(rf"(?:[Ss]ervice [Aa]ccount|credentials|config file|cache).{{0,300}}?({_DISK_ERRORS})", re.DOTALL),
        "a disk of this machine does not work: {}",
    ),
)


def find_outage(text: str) -> str:
    """What does not work, for users, if a line of rclone tells of it; else ""."""
    for pattern, told in _OUTAGES:
        match = pattern.search(text)
        if match:
            return told.format(*(group.strip(' ."\\') for group in match.groups()))
    return ""
