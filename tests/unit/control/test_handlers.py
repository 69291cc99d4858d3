"""What `status` and `stop` do, without a socket."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from cloudplow.control import handlers
from cloudplow.events import UploaderState
from cloudplow.upload.controls import Controls


@dataclass
class Program:
    state_dir: Path = Path("state")
    version: str = "3.0.0"
    services: dict[str, str] = field(default_factory=dict)
    controls: Controls = field(default_factory=lambda: Controls(["google", "dropbox"]))
    corrected: list[tuple[Any, ...]] = field(default_factory=list)

    def accounts_document(self, names: Sequence[str] = ()) -> dict[str, list[dict[str, Any]]]:
        return {name: [{"account": "1.json"}] for name in names or ["google", "dropbox"]}

    def correct(self, uploader: str, account: str, used_bytes: int, *, by: str, who: str) -> str:
        self.corrected.append((uploader, account, used_bytes, by, who))
        return "so be it"

    def do(self, what: str, **request: Any) -> dict[str, Any]:
        result: dict[str, Any] = json.loads(json.dumps(dict(handlers.handlers(self)[what]({"do": what, **request}))))
        return result


def test_status_says_who_runs_and_what_each_uploader_does() -> None:
    program = Program()
    with program.controls.session("google") as session:
        session.report(UploaderState.COOLING, "all quotas are used up", 1_800_000_000.0)
        told = program.do("status")

    assert told["pid"] == os.getpid()
    assert told["version"] == "3.0.0"
    assert told["started_at"] == program.controls.started_at
    assert told["uploaders"].keys() == {"google", "dropbox"}
    assert told["uploaders"]["google"] == {
        "state": "cooling",
        "why": "all quotas are used up",
        "until": 1_800_000_000.0,
        "next_check_at": None,
        "files_left": None,
        "bytes_left": None,
    }
    assert told["uploaders"]["dropbox"]["state"] == "idle"
    assert told["syncers"] == {}


def test_stop_ends_the_named_session_and_says_which() -> None:
    program = Program()
    with program.controls.session("google") as google, program.controls.session("dropbox") as dropbox:
        assert program.do("stop", name="google") == {"stopping": ["google"]}
        assert (google.should_stop(), google.should_kill(), dropbox.should_stop()) == (True, False, False)


@pytest.mark.parametrize("request_", [{}, {"name": None}, {"now": False}])
def test_stop_without_a_name_ends_all_sessions(request_: dict[str, Any]) -> None:
    program = Program()
    with program.controls.session("google") as google, program.controls.session("dropbox") as dropbox:
        assert sorted(program.do("stop", **request_)["stopping"]) == ["dropbox", "google"]
        assert google.should_stop()
        assert dropbox.should_stop()


def test_stop_now_kills() -> None:
    program = Program()
    with program.controls.session("google") as google:
        program.do("stop", now=True)
        assert google.should_kill()


def test_stop_of_what_does_not_run_is_no_fault() -> None:
    assert Program().do("stop", name="google") == {"stopping": []}


@pytest.mark.parametrize(
    ("request_", "sentence"),
    [
        ({"name": "gogle"}, 'there is no uploader "gogle"; the configuration has: google, dropbox'),
        ({"name": 7}, '"name" must be the name of an uploader'),
        ({"name": ["google"]}, '"name" must be the name of an uploader'),
        ({"now": "yes"}, '"now" must be true or false'),
    ],
)
def test_a_wrong_stop_stops_nothing(request_: dict[str, Any], sentence: str) -> None:
    program = Program()
    with program.controls.session("google") as google:
        with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
            program.do("stop", **request_)
        assert not google.should_stop()


def test_accounts_are_those_of_the_named_uploaders_or_all() -> None:
    program = Program()
    assert program.do("accounts", names=["google"]) == {"accounts": {"google": [{"account": "1.json"}]}}
    assert program.do("accounts")["accounts"].keys() == {"google", "dropbox"}
    with pytest.raises(ValueError, match="there is no uploader"):
        program.do("accounts", names=["onedrive"])


def test_correct_passes_on_what_is_right_and_refuses_the_rest() -> None:
    program = Program()
    right = {"uploader": "google", "account": "1.json", "used_bytes": 300, "who": "anna"}
    assert program.do("correct", **right) == {"said": "so be it"}
    assert program.corrected == [("google", "1.json", 300, "cli", "anna")]
    for wrong in (
        {"uploader": "onedrive"},
        {"uploader": None},
        {"account": 1},
        {"used_bytes": -1},
        {"used_bytes": True},
    ):
        with pytest.raises(ValueError):
            program.do("correct", **(right | wrong))
    assert len(program.corrected) == 1
