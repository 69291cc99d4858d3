"""What can be asked for, without a socket."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from cloudplow.control import handlers
from cloudplow.dispatch.controls import Controls
from cloudplow.events import UploaderState
from cloudplow.models import UploaderStatus


class Recorded(Controls):
    """Controls that only note what they are asked for."""

    def __init__(self) -> None:
        super().__init__(["google", "dropbox"])
        self.asked: list[tuple[Any, ...]] = []

    def _note(self, *what: Any) -> dict[str, str]:
        self.asked.append(what)
        return {"google": "so be it"}

    def start(self, uploader: str, *, by: str = "api", who: str = "", unless_paused: bool = False) -> Mapping[str, str]:
        return self._note("start", uploader, by, who, unless_paused)

    def stop(
        self, uploader: str | None = None, *, now: bool = False, by: str = "api", who: str = ""
    ) -> Mapping[str, str]:
        return self._note("stop", uploader, now, by, who)

    def pause(
        self, uploader: str | None = None, *, seconds: float | None = None, by: str = "api", who: str = ""
    ) -> Mapping[str, str]:
        return self._note("pause", uploader, seconds, by, who)

    def resume(self, uploader: str | None = None, *, by: str = "api", who: str = "") -> Mapping[str, str]:
        return self._note("resume", uploader, by, who)

    def limit(self, bytes_per_second: int | None, *, by: str = "api", who: str = "") -> Mapping[str, str]:
        return self._note("limit", bytes_per_second, by, who)

    def run_ids(self, uploaders: Iterable[str]) -> Mapping[str, str]:
        return dict.fromkeys(uploaders, "run")

    def status(self) -> Mapping[str, UploaderStatus]:
        busy = UploaderStatus(UploaderState.COOLING, "all quota is used up", 1_800_000_000.0, 1_800_000_000.0, 3, 300)
        return {"google": busy, "dropbox": UploaderStatus(UploaderState.IDLE, "no upload has run yet")}


@dataclass
class Program:
    state_dir: Path = Path("state")
    version: str = "3.0.0"
    services: dict[str, str] = field(default_factory=dict)
    controls: Recorded = field(default_factory=Recorded)
    corrected: list[tuple[Any, ...]] = field(default_factory=list)

    def accounts_document(self, names: Sequence[str] = ()) -> dict[str, list[dict[str, Any]]]:
        return {name: [{"account": "1.json"}] for name in names or ["google", "dropbox"]}

    def correct(self, uploader: str, account: str, used_bytes: int, *, by: str, who: str) -> str:
        self.corrected.append((uploader, account, used_bytes, by, who))
        return "so be it"

    def syncers(self) -> Mapping[str, UploaderStatus]:
        return {"backup": UploaderStatus(UploaderState.IDLE, "not there yet")}

    def configuration(self) -> dict[str, Any]:
        return {"path": "/config.json", "edited": False}

    def problems(self) -> list[str]:
        return ["the disk is gone"]

    def do(self, what: str, **request: Any) -> dict[str, Any]:
        result: dict[str, Any] = json.loads(json.dumps(dict(handlers.handlers(self)[what]({"do": what, **request}))))
        return result


def test_status_says_who_runs_and_what_each_uploader_does() -> None:
    program = Program()
    told = program.do("status")

    assert told["pid"] == os.getpid()
    assert told["version"] == "3.0.0"
    assert told["started_at"] == program.controls.started_at
    assert told["uploaders"].keys() == {"google", "dropbox"}
    assert told["uploaders"]["google"] == {
        "state": "cooling",
        "why": "all quota is used up",
        "until": 1_800_000_000.0,
        "next_check_at": 1_800_000_000.0,
        "files_left": 3,
        "bytes_left": 300,
        "left_out": False,
    }
    assert told["uploaders"]["dropbox"]["state"] == "idle"
    assert told["syncers"]["backup"]["why"] == "not there yet"
    assert told["config"] == {"path": "/config.json", "edited": False}
    assert told["limit_bytes_per_second"] is None


def test_health_says_what_is_wrong() -> None:
    assert Program().do("health") == {"problems": ["the disk is gone"]}


@pytest.mark.parametrize(
    ("what", "request_", "asked"),
    [
        ("start", {"name": "google"}, ("start", "google", "cli", "", False)),
        ("start", {"names": ["google"], "unless_paused": True}, ("start", "google", "cli", "", True)),
        ("stop", {"name": "google", "who": "anna"}, ("stop", "google", False, "cli", "anna")),
        ("stop", {}, ("stop", None, False, "cli", "")),
        ("stop", {"name": None, "now": True}, ("stop", None, True, "cli", "")),
        ("pause", {"name": "google", "seconds": 7200}, ("pause", "google", 7200, "cli", "")),
        ("pause", {"by": "mqtt"}, ("pause", None, None, "mqtt", "")),
        ("resume", {"name": "google"}, ("resume", "google", "cli", "")),
        ("limit", {"rate": "5M"}, ("limit", 5 << 20, "cli", "")),
        ("limit", {"rate": "off"}, ("limit", None, "cli", "")),
        ("limit", {"rate": "0"}, ("limit", None, "cli", "")),
    ],
)
def test_controls_are_passed_on_and_answer_with_what_is_now_so(
    what: str, request_: dict[str, Any], asked: tuple[Any, ...]
) -> None:
    program = Program()
    assert program.do(what, **request_)["said"] == {"google": "so be it"}
    assert program.controls.asked == [asked]


def test_start_says_by_which_the_sessions_can_be_told() -> None:
    assert Program().do("start", name="google")["run_ids"] == {"google": "run"}


@pytest.mark.parametrize(
    ("what", "request_", "sentence"),
    [
        ("stop", {"name": "gogle"}, 'there is no uploader "gogle"; the configuration has: google, dropbox'),
        ("stop", {"name": 7}, '"name" must be the name of an uploader'),
        ("stop", {"name": ["google"]}, '"name" must be the name of an uploader'),
        ("stop", {"now": "yes"}, '"now" must be true or false'),
        ("stop", {"who": 7}, '"by" and "who" must be names'),
        ("start", {}, "an uploader must be named"),
        ("start", {"names": []}, '"names" must be a list of uploaders'),
        ("start", {"names": "google"}, '"names" must be a list of uploaders'),
        (
            "start",
            {"names": ["google", "gogle"]},
            'there is no uploader "gogle"; the configuration has: google, dropbox',
        ),
        ("start", {"name": "google", "unless_paused": 1}, '"unless_paused" must be true or false'),
        ("pause", {"seconds": "2h"}, '"seconds" must be a number'),
        ("pause", {"seconds": True}, '"seconds" must be a number'),
        ("pause", {"seconds": 0}, "a pause must be longer than 0 seconds and no longer than ten years"),
        ("pause", {"seconds": 1e300}, "a pause must be longer than 0 seconds and no longer than ten years"),
        ("limit", {}, '"rate" must be a text such as "5M" or "off"'),
        ("limit", {"rate": 5}, '"rate" must be a text such as "5M" or "off"'),
        (
            "limit",
            {"rate": "banana"},
            '"banana" is not a speed; write it as rclone does, for example "5M", or "off"',
        ),
        ("limit", {"rate": "-5M"}, '"-5M" is not a speed; write it as rclone does, for example "5M", or "off"'),
        ("limit", {"rate": "0M"}, '"0M" is not a speed; write it as rclone does, for example "5M", or "off"'),
    ],
)
def test_a_wrong_request_does_nothing(what: str, request_: dict[str, Any], sentence: str) -> None:
    program = Program()
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        program.do(what, **request_)
    assert program.controls.asked == []


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
