"""`cloudplow healthcheck`: exit 0 if the dashboard answers and the engine is alive."""

from __future__ import annotations

import json
import os
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from cloudplow.config.loader import read_document
from cloudplow.errors import ExitStatus

#: How long the dashboard may take to answer, in seconds.
TIMEOUT_SECONDS = 5.0


def run(config_path: Path) -> int:
    """Ask the dashboard that the configuration describes. Raises ConfigError."""
    section = read_document(config_path, os.environ).get("dashboard") or {}
    host = str(section.get("host", "127.0.0.1"))
    host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104 - asked, not bound
    shown = f"[{host}]" if ":" in host else host
    url = f"http://{shown}:{section.get('port', 47949)}/api/health"
    try:
        with urlopen(url, timeout=TIMEOUT_SECONDS) as answer:
            health = json.loads(answer.read(1 << 16))
    except (URLError, OSError, ValueError) as error:
        print(f"unhealthy: {url} does not answer: {error}")
        return int(ExitStatus.FAILED)
    alive = health.get("status") == "healthy" and health.get("engine") != "stopped"
    print(f"{'healthy' if alive else 'unhealthy'}: engine {health.get('engine')}")
    return int(ExitStatus.DONE if alive else ExitStatus.FAILED)
