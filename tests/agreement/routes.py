"""Which routes are read, and by which of the readings. Those of the past are in `past_watch`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from tests.agreement import reading
from tests.agreement.reading import Figures

JSON: Final[Mapping[str, Callable[[Any], Figures]]] = {
    "api/uploaders": reading.uploaders,
    "api/summary": reading.meant(reading.summary),
    "api/session_stats": reading.session_stats,
    "api/status": reading.meant(reading.status),
    "api/service_accounts": reading.service_accounts,
    "api/rclone_stats": reading.rclone_stats,
    "api/export/session.json": reading.export,
}
#: Asked for each uploader.
OF_UPLOADER: Final[Mapping[str, Callable[[Any], Figures]]] = {
    "api/summary": reading.summary,
    "api/session_stats": reading.session_stats,
    "api/status": reading.status,
    "api/rclone_stats": reading.rclone_stats,
    "api/export/session.json": reading.export,
}
