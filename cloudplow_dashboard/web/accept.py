"""Which form of metrics a client asks for with its Accept header. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_options_header

_OPENMETRICS = "application/openmetrics-text"


def _media_types(accept: MIMEAccept) -> Iterator[tuple[str, Mapping[str, str]]]:
    """The media types that are named, with their parameters; those with q=0 are left out."""
    for value, quality in accept:
        if quality > 0:
            name, parameters = parse_options_header(value)
            yield name.lower(), parameters


def wants_openmetrics(accept: MIMEAccept) -> bool:
    """Whether metrics are wanted as OpenMetrics."""
    return any(name == _OPENMETRICS for name, _ in _media_types(accept))


def is_scraper(accept: MIMEAccept) -> bool:
    """Whether metrics are wanted at all: a browser does not ask for them, nor does curl."""
    return any(
        name == _OPENMETRICS or (name == "text/plain" and "version" in parameters)
        for name, parameters in _media_types(accept)
    )
