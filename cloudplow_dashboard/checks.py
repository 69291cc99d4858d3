"""What `cloudplow check` says of the dashboard, and how `cloudplow healthcheck` asks a running one."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterator
from typing import Final

from cloudplow_dashboard.config import DashboardSection

#: How long the dashboard may take to answer, in seconds.
TIMEOUT_SECONDS: Final = 5.0
#: More than its answer ever needs, in bytes.
_ANSWER_LIMIT: Final = 1 << 16


def exposure(section: DashboardSection | None) -> Iterator[tuple[str, str]]:
    """Whether the dashboard is on, who can reach it, and by which name: verdict and sentence."""
    if section is None or not section.enabled:
        yield "ok", "dashboard: off"
    elif _is_loopback(section.host):
        yield "ok", f"dashboard: {section.host}:{section.port}, reached from this machine only" + _names(section)
    else:
        yield (
            "warning",
            f"dashboard.host: {section.host} can be reached from other machines, and there is no login yet; "
            'use "127.0.0.1" with a tunnel or an authenticating proxy' + _names(section),
        )


def _names(section: DashboardSection) -> str:
    """What must be known of names where somebody may call it by one."""
    if section.allowed_hosts:
        return "; also called " + ", ".join(section.allowed_hosts)
    if section.trusted_proxies or not _is_loopback(section.host):
        return "; a name such as cloudplow.example.org must be listed in dashboard.allowed_hosts"
    return ""


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def health(section: DashboardSection | None) -> str | None:
    """What is wrong with the dashboard or the engine, "" when nothing is; None when the dashboard is off."""
    if section is None or not section.enabled:
        return None
    # HTTP and TLS take 10 ms, which every start of cloudplow would pay for.
    from urllib.request import ProxyHandler, build_opener

    url = health_url(section)
    try:
        # It is on this machine: a proxy of the environment cannot know it.
        with build_opener(ProxyHandler({})).open(url, timeout=TIMEOUT_SECONDS) as answer:
            told = json.loads(answer.read(_ANSWER_LIMIT))
        status, engine = told["status"], told["engine"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        return f"{url} does not answer as it should: {error}; is cloudplow running?"
    if status != "healthy":
        return f"the dashboard is {status}"
    if engine == "stalled":
        return "nothing has been heard of rclone for a minute; it is ended after core.stall_minutes"
    return "the engine is stopped" if engine == "stopped" else ""


def health_url(section: DashboardSection) -> str:
    """Where a dashboard on this machine answers."""
    host = section.host
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return f"http://{host}:{section.port}/api/health"
    if address.is_unspecified:
        address = ipaddress.ip_address("127.0.0.1" if address.version == 4 else "::1")
    shown = f"[{address}]" if address.version == 6 else str(address)
    return f"http://{shown}:{section.port}/api/health"
