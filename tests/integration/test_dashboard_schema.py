"""E12: schemathesis asks every route what `/api/openapi.json` describes and what it does not, with all its checks.

The long form: `pytest tests/integration/test_dashboard_schema.py --whole`, about 5,000 cases.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from cloudplow import events
from cloudplow_dashboard.web.routes import ROUTES

from .test_dashboard_door import MakeServer, learn_accounts
from .test_dashboard_server import make_server, wait_for

__all__ = ["make_server"]

#: Of each route: those that are made up. There are as many fixed ones in both forms.
SHORT_EXAMPLES: Final = 40
LONG_EXAMPLES: Final = 320
LONG_CASES: Final = 5000
#: The stream does not end; its first event says everything.
CONFIG: Final = "max-stream-events = 1\nrequest-timeout = 5\n[warnings]\nenabled = false\n"
START: Final = "from schemathesis.cli import schemathesis; schemathesis()"


@pytest.mark.timeout(900)
def test_e12_every_route_is_as_described_whatever_is_asked(
    make_server: MakeServer, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    whole = bool(request.config.getoption("--whole"))
    server = make_server()
    server.transfer("ü; a.mkv", 5)
    server.fail("b.mkv")
    learn_accounts(20)
    events.session_started.send(
        "google",
        event=events.SessionStarted(upload_folder="/m", upload_remote="g:m", accounts_total=20, dry_run=False),
    )
    wait_for(lambda: server.document()["uploaders"]["google"]["session"]["started_at"] > 0)
    address = f"http://127.0.0.1:{server.port}"
    # From a file: where it loads the description from, it would not ask.
    description, config = tmp_path / "openapi.json", tmp_path / "schemathesis.toml"
    description.write_bytes(server.get("/api/openapi.json")[2])
    config.write_text(CONFIG, encoding="utf-8")
    options = ["--checks", "all", "--max-examples", str(LONG_EXAMPLES if whole else SHORT_EXAMPLES), "--no-color"]

    done = subprocess.run(
        [
            sys.executable,
            "-c",
            START,
            "--config-file",
            config,
            "run",
            description,
            "-u",
            address,
            *options,
        ],
        cwd=tmp_path,
        env=os.environ | {"NO_COLOR": "1", "no_proxy": "127.0.0.1", "COLUMNS": "120"},
        capture_output=True,
        text=True,
        check=False,
    )

    said = "\n".join(line[:300] for line in (done.stdout + done.stderr).splitlines())[-8000:]
    assert done.returncode == 0, said
    tested = re.search(r"Tested: (\d+)", said)
    cases = re.search(r"(\d+) generated", said)
    assert tested is not None, said
    assert cases is not None, said
    assert int(tested[1]) == len(ROUTES), said
    assert int(cases[1]) > (LONG_CASES if whole else 500)
    print(said[-3000:])
