"""The headers of every answer: one place, for Flask and for what bypasses it."""

from __future__ import annotations

from typing import Final, Literal

Kind = Literal["page", "static", "api", "stream"]

#: Nothing from elsewhere, no inline scripts, no frames.
CONTENT_SECURITY_POLICY: Final = (
    "default-src 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; form-action 'self'"
)
#: What a browser would otherwise let a page ask for; it goes with every answer, so it is short.
PERMISSIONS_POLICY: Final = ", ".join(
    f"{feature}=()" for feature in ("camera", "display-capture", "geolocation", "microphone", "payment", "usb")
)

_COMMON: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    # Pages of other sites get neither frames of us, nor our files, nor a hold on our window.
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": PERMISSIONS_POLICY,
}
_CACHING: Final[dict[Kind, dict[str, str]]] = {
    # no-cache: may be kept, but is asked for again each time, with its validator.
    "page": {"Cache-Control": "no-cache"},
    "static": {"Cache-Control": "no-cache"},
    "api": {"Cache-Control": "no-store"},
    # X-Accel-Buffering: nginx would otherwise hold events back.
    "stream": {"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
}


def response_headers(kind: Kind) -> dict[str, str]:
    """The headers that an answer of this kind must carry."""
    return _COMMON | _CACHING[kind]


def kind_of(path: str) -> Kind:
    """What kind of answer a path gives."""
    if path.startswith("/api/") or path == "/metrics":
        return "api"
    return "static" if path.startswith("/static/") else "page"
