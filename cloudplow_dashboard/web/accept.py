"""Which form of metrics a client asks for with its Accept header. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_options_header

_OPENMETRICS: Final = "application/openmetrics-text"
_TEXT: Final = "text/plain"


def _media_types(accept: MIMEAccept) -> Iterator[tuple[str, Mapping[str, str], float]]:
    """The media types that are named, with their parameters and how much each is wanted; not those with q=0."""
    for value, quality in accept:
        if quality > 0:
            name, parameters = parse_options_header(value)
            yield name.lower(), parameters, quality


def wants_openmetrics(accept: MIMEAccept) -> bool:
    """Whether metrics are wanted as OpenMetrics: it is named, and plain text is not wanted more."""
    wanted = {_OPENMETRICS: 0.0, _TEXT: 0.0}
    for name, _, quality in _media_types(accept):
        if name in wanted:
            wanted[name] = max(wanted[name], quality)
    return wanted[_OPENMETRICS] > 0 and wanted[_OPENMETRICS] >= wanted[_TEXT]


def is_scraper(accept: MIMEAccept) -> bool:
    """Whether metrics are wanted at all: a browser does not ask for them, nor does curl."""
    return any(
        name == _OPENMETRICS or (name == _TEXT and "version" in parameters)
        for name, parameters, _ in _media_types(accept)
    )
