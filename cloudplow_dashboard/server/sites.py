"""Which pages a browser may ask us from: our own. Pure.

Browsers say where a request comes from (Sec-Fetch-*), and nobody's script can change that. They say it to secure
origins only, which are https and this machine itself. Elsewhere scripts of other sites are known by their Origin, which
comes when they want to read an answer or to change something; from the rest, as images, only the bounds protect.
"""

from __future__ import annotations

from typing import Final

from cloudplow_dashboard.server.asked import Asked, Refusal
from cloudplow_dashboard.server.hosts import host_of

SAFE_METHODS: Final = frozenset({"GET", "HEAD"})
#: By which browsers say that nobody has followed the link yet; the last two are of older ones.
_IN_ADVANCE: Final = (b"sec-purpose", b"purpose", b"x-moz")
_DEFAULT_PORTS: Final = {"http": "80", "https": "443"}
_REFUSAL: Final = Refusal(
    403, "cross_site", "Pages of other sites may link to this dashboard, but neither load nor change anything of it"
)
#: Said where only the Origin is known, which also differs when a proxy changes the name.
_OTHER_ORIGIN: Final = Refusal(
    403,
    "cross_site",
    f"{_REFUSAL.message}; a proxy before it must pass on the Host as the browser sends it, with its port",
)


def foreign(asked: Asked) -> Refusal | None:
    """Whether a page of another site asks. A link that is followed in a window of its own is let through."""
    site, origin = asked.value(b"sec-fetch-site"), asked.value(b"origin")
    if site is None:
        return None if origin is None or is_our_origin(origin, asked) else _OTHER_ORIGIN
    if site == "same-origin":
        return None
    # What a foreign page has a browser fetch in advance comes as "none", as if somebody had typed the address.
    return None if not _is_early(asked) and (site == "none" or _is_navigation(asked)) else _REFUSAL


def forged(asked: Asked) -> Refusal | None:
    """Whether something is to be changed, and not by our own page. Nothing said, as by a tool, is a no."""
    if asked.method in SAFE_METHODS:
        return None
    site, origin = asked.value(b"sec-fetch-site"), asked.value(b"origin")
    ours = origin is not None and site in (None, "same-origin") and is_our_origin(origin, asked)
    return None if ours else _REFUSAL


def _is_navigation(asked: Asked) -> bool:
    """A window that goes to us: no frame and no script."""
    return (
        asked.method in SAFE_METHODS
        and asked.value(b"sec-fetch-mode") == "navigate"
        and asked.value(b"sec-fetch-dest") == "document"
    )


def _is_early(asked: Asked) -> bool:
    """Whether a browser asks before anybody has followed the link."""
    return any(asked.value(name) is not None for name in _IN_ADVANCE)


def is_our_origin(origin: str, asked: Asked) -> bool:
    """Whether an origin ("https://cloudplow.example.org") is where the request went, by its last host and scheme."""
    scheme, separator, host = origin.partition("://")
    ours, theirs = asked.hosts[-1], host_of(host)
    if not separator or theirs is None or scheme != asked.scheme:
        return False
    return theirs == host_of(ours) and _port(host, scheme) == _port(ours, scheme)


def _port(host: str, scheme: str) -> str:
    port = host.rpartition("]")[2].partition(":")[2]
    return port or _DEFAULT_PORTS.get(scheme, "")
