"""`cloudplow dashboard` beside an upload: two real processes, which share nothing but the state folder."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.request import urlopen

import psutil
import pytest

from tests.integration.local_site import UPLOADER, LocalSite, wait_for
from tests.tools import free_port

pytestmark = pytest.mark.rclone

FILES = 12
FILE_BYTES = 100_000


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A `cloudplow dashboard` that runs."""

    site: LocalSite
    address: str

    def shown(self) -> dict[str, Any]:
        """What it shows of the uploader."""
        with urlopen(f"{self.address}api/state", timeout=30) as answer:
            document: dict[str, Any] = json.load(answer)
        found: dict[str, Any] = document["uploaders"].get(UPLOADER, {})
        return found | {key: document[key] for key in ("facts", "engine", "boot", "program")}

    def waits(self, state: str) -> dict[str, Any]:
        """What it waits for, if it is in that state; else {}."""
        status: dict[str, Any] = self.shown().get("status", {})
        return status if status.get("state") == state else {}

    def boot(self) -> str:
        """Which process serves the page; "" while none does."""
        try:
            return str(self.shown()["boot"])
        except OSError:
            return ""

    def shows(self, phase: str) -> dict[str, Any]:
        """Wait until it shows the uploader in this phase, with some files done."""

        def look() -> dict[str, Any]:
            shown = self.shown()
            return shown if shown.get("phase") == phase and shown["session"]["files_done"] else {}

        try:
            return wait_for(look, phase, 20)
        except AssertionError:
            raise AssertionError(f"not {phase}: {self.shown()}\n{said(self.site)}") from None


def said(site: LocalSite) -> str:
    return (site.root / "dashboard.txt").read_text("utf-8", "replace")


@contextmanager
def dashboard(site: LocalSite, **more: Any) -> Iterator[Dashboard]:
    """With a configuration of its own, so that it has another port and none of the upload's plugins."""
    own = site.config | {"plugins": ["cloudplow_dashboard"], "dashboard": {"enabled": True, "port": 0}} | more
    config = site.root / "dashboard.json"
    config.write_text(json.dumps(own), encoding="utf-8")
    command = [site.command()[0], "-m", "cloudplow", f"--config={config}", f"--logfile={site.root / 'dashboard.log'}"]
    with (site.root / "dashboard.txt").open("wb") as output:
        process = subprocess.Popen(
            [*command, "dashboard"], env=site.environment(), cwd=site.root, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        (address,) = wait_for(lambda: re.findall(r"Dashboard: (http\S+)", said(site)), "the dashboard")
        yield Dashboard(site, address)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0, said(site)
    finally:
        process.kill()
        process.wait()
    assert "Traceback" not in said(site)


@contextmanager
def uploading(site: LocalSite, rate: str) -> Iterator[subprocess.Popen[bytes]]:
    """An upload of so many bytes per second; killed at the end, with its rclone."""
    for number in range(FILES):
        site.write(f"{number:02}.mkv", FILE_BYTES)
    site.extras.update({"--bwlimit": rate, "--transfers": 2, "--buffer-size": "0"})
    process = site.start("upload")
    try:
        yield process
    finally:
        kill(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    children = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
    process.kill()
    process.wait()
    for one in children:
        one.kill()


def lift_the_limit(process: subprocess.Popen[bytes]) -> None:
    """Let rclone upload the rest as fast as it can: it switches `--bwlimit` off at this signal."""
    for one in psutil.Process(process.pid).children(recursive=True):
        if "rclone" in one.name():
            one.send_signal(signal.SIGUSR2)


def some_have_arrived(site: LocalSite) -> bool:
    return any(one["signal"] == "file_transferred" for one in site.told())


def test_it_follows_an_upload_that_runs_and_shows_its_end(any_site: LocalSite) -> None:
    any_site.add_accounts(2, quota=10_000_000)
    with uploading(any_site, rate="150k") as process:
        wait_for(lambda: some_have_arrived(any_site), "a file")
        with dashboard(any_site) as shown:
            running = shown.shows("uploading")
            assert process.poll() is None, "too fast to be followed"
            session = running["session"]
            assert (running["active"], running["engine"]) == (True, "uploading")
            assert (session["files_total"], session["bytes_total"]) == (FILES, FILES * FILE_BYTES)
            assert (session["stage"], session["recovered"], session["account"]) == (1, False, "1.json")
            assert 0 < session["files_done"] < FILES
            assert running["progress"]["total_files"] == FILES
            assert [one["state"] for one in running["plan"]["stages"]] == ["running"]

            lift_the_limit(process)
            assert process.wait(30) == 0, any_site.output()
            ended = shown.shows("finished")

            session, told = ended["session"], any_site.told()
            assert (session["outcome"], ended["active"], ended["engine"]) == ("done", False, "idle")
            assert (session["files_done"], session["bytes_done"]) == (FILES, FILES * FILE_BYTES)
            assert (session["files_left"], session["bytes_left"]) == (0, 0)
            assert session["id"] == told[-1]["session_id"]
            assert session["started_at"] == told[0]["at"]
            assert [one["outcome"] for one in ended["sessions"]] == ["done"]
            assert ended["accounts"]["1.json"]["used_bytes"] == FILES * FILE_BYTES
            # Facts keep the numbers and times that they have in the other process.
            by_number = {str(one["seq"]): one for one in told}
            assert len(ended["facts"]) > 3
            for number, fact in ended["facts"].items():
                assert (fact["kind"], fact["at"]) == (by_number[number]["signal"], by_number[number]["at"])
            assert "following it" in said(any_site)
            wait_for(lambda: "has ended" in said(any_site), "a word about the end")


def test_it_shows_an_upload_that_starts_later_and_is_killed(any_site: LocalSite) -> None:
    with dashboard(any_site) as shown:
        with uploading(any_site, rate="150k") as process:
            shown.shows("uploading")
            kill(process)

            interrupted = shown.shows("interrupted")
        session = interrupted["session"]
        assert (session["outcome"], interrupted["active"]) == ("interrupted", False)
        assert session["reason"] == "cloudplow ended before the upload did"
        assert session["files_done"] + session["files_left"] == session["files_total"] > 0


def test_an_upload_takes_over_the_port_and_gives_it_back_and_other_plugins_hear_of_it_once(any_site: LocalSite) -> None:
    any_site.config["plugins"].append("cloudplow_dashboard")
    any_site.config["dashboard"] = {"enabled": True, "port": free_port()}
    any_site.add_accounts(1, quota=10_000_000)
    with dashboard(any_site, **any_site.config) as shown:
        alone = shown.shown()["boot"]
        with uploading(any_site, rate="150k") as process:
            wait_for(lambda: shown.boot() not in ("", alone), "the page of the upload", 20)
            shown.shows("uploading")
            lift_the_limit(process)
            assert process.wait(30) == 0, any_site.output()
        wait_for(lambda: shown.boot() == alone, "the dashboard alone", 20)
        ended = shown.shows("finished")

    assert "The dashboard is off" not in any_site.output()
    assert "takes over port" in said(any_site)
    session = ended["session"]
    assert (session["outcome"], session["files_done"]) == ("done", FILES)
    # The dashboard has the plugin that writes down events, too.
    assert [one["signal"] for one in any_site.told()].count("session_finished") == 1


def test_the_port_of_a_foreign_program_is_one_line(any_site: LocalSite) -> None:
    with socket.create_server(("127.0.0.1", 0)) as foreign:
        port = foreign.getsockname()[1]
        any_site.config["plugins"].append("cloudplow_dashboard")
        any_site.config["dashboard"] = {"enabled": True, "port": port}
        any_site.write("film.mkv", FILE_BYTES)
        process = any_site.start("upload")
        assert process.wait(30) == 0, any_site.output()

    assert any_site.output().count(f"The dashboard is off: another program is listening on 127.0.0.1:{port}") == 1


def test_it_shows_why_a_program_waits_that_serves_and_when_it_looks_next(any_site: LocalSite) -> None:
    any_site.config["uploader"][UPLOADER] |= {"check_interval": 60, "max_size_gb": 1}
    any_site.write("film.mkv", FILE_BYTES)
    with dashboard(any_site) as shown:
        process = any_site.start("run")
        try:
            status = wait_for(lambda: shown.waits("waiting"), "why it waits", 20)
            assert status["next_check_at"] > status["checked_at"] > 0
            assert (status["waiting_files"], status["waiting_bytes"]) == (1, FILE_BYTES)
            assert status["threshold_bytes"] == 1 << 30
            assert "next check" in status["why"]
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0, any_site.output()
        finally:
            kill(process)
        assert wait_for(lambda: shown.waits("idle"), "the end of the program", 20)["why"] == ""


def test_an_upload_that_could_not_be_followed_is_shown_with_its_end(any_site: LocalSite) -> None:
    any_site.add_accounts(1, quota=10_000_000)
    any_site.write("film.mkv", FILE_BYTES)
    with dashboard(any_site) as shown:
        (any_site.root / "control.sock").mkdir()
        process = any_site.start("upload")
        assert process.wait(30) == 0, any_site.output()
        ended = shown.shows("finished")
        wait_for(lambda: shown.shown()["accounts"]["1.json"]["used_bytes"] == FILE_BYTES, "its quota", 1)

    session = ended["session"]
    assert (session["outcome"], session["files_done"], session["recovered"]) == ("done", 1, True)
    assert "following it" not in said(any_site)


def test_alone_after_an_interruption_it_says_so_with_all_numbers_and_every_account(any_site: LocalSite) -> None:
    any_site.add_accounts(3, quota=10_000_000)
    with uploading(any_site, rate="150k") as process:
        wait_for(lambda: some_have_arrived(any_site), "a file")
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 130, any_site.output()
    (end,) = [one for one in any_site.told() if one["signal"] == "session_finished"]
    with dashboard(any_site) as shown:
        told = shown.shows("interrupted")

    session = told["session"]
    assert (session["outcome"], session["files_total"], session["recovered"]) == ("interrupted", FILES, True)
    assert (session["files_done"], session["files_left"]) == (end["files"], end["files_left"])
    assert (session["bytes_done"], session["bytes_left"]) == (end["bytes"], end["bytes_left"])
    assert list(told["accounts"]) == ["1.json", "2.json", "3.json"]
    assert told["program"] == "none"


def test_alone_after_a_dry_run_it_says_what_would_go(any_site: LocalSite) -> None:
    any_site.write("film.mkv", FILE_BYTES)
    any_site.write("empty.mkv", 0)
    process = any_site.start("upload", "--dry-run")
    assert process.wait(30) == 0, any_site.output()
    with dashboard(any_site) as shown:
        session = wait_for(lambda: shown.shown().get("session", {}), "the session", 20)

    assert (session["dry_run"], session["files_done"], session["files_left"]) == (True, 0, 2)
    assert (session["would_go_files"], session["would_go_bytes"]) == (2, FILE_BYTES)
