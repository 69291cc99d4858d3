"""Each call of rclone hangs, dies, lies, babbles or leaves a child: the end comes soon, says why, and loses nothing.

CI plays a part of the table; `--whole` plays all of it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.integration.bad_rclone import CALLS, WAYS, write_wrapper
from tests.integration.local_site import LocalSite, contents, wait_for

pytestmark = pytest.mark.rclone

#: A plugin, by name only: it changes whatever process imports it.
SHORT_WAITS = "tests.integration.short_waits"
#: Those that CI plays, each with one of the two versions.
SHORT = [
    ("dump", "hang"),
    ("dump", "leave a daemon"),
    ("lsf", "die"),
    ("lsf", "leave a child"),
    ("upload", "fail"),
    ("trial", "babble"),
]
TABLE = [(call, way) for call in CALLS for way in WAYS]


def is_short(item: pytest.Function) -> bool:
    """Whether CI plays this one."""
    case = (item.callspec.params["call"], item.callspec.params["way"])
    return case in SHORT and ("1.60" in item.name) == (SHORT.index(case) % 2 == 0)


def spoil(site: LocalSite, call: str, way: str) -> Path:
    wrapper = site.root / "wrapper"
    log = write_wrapper(wrapper, site.rclone, call, way)
    site.config["core"] |= {"rclone_binary_path": str(wrapper), "stall_minutes": 0.05}
    site.config["plugins"].append(SHORT_WAITS)
    site.shorten_pauses()
    return log


def left_running(site: LocalSite) -> list[psutil.Process]:
    """Whatever our wrapper or an rclone of the site still does. A daemon on purpose is no business of ours."""
    found = []
    for one in psutil.process_iter(["cmdline", "status"]):
        words = one.info["cmdline"] or []
        if one.info["status"] != psutil.STATUS_ZOMBIE and any(str(site.root) in word for word in words):
            found.append(one)
        elif words == ["sleep", "600"]:
            with suppress(psutil.Error):
                if one.cwd() == str(site.root):
                    found.append(one)
    return found


@pytest.mark.thin(keep=is_short)
@pytest.mark.parametrize(("call", "way"), TABLE, ids=lambda word: word.replace(" ", "_"))
def test_a_bad_call_ends_soon_says_why_and_loses_nothing(site: LocalSite, call: str, way: str) -> None:
    site.write("one", 2000)
    site.write("two", 3000)
    library = contents(site.source)
    site.add_accounts(3, quota="1M")
    log = spoil(site, call, way)
    started = time.monotonic()

    run = site.run("upload")

    took = time.monotonic() - started
    assert took < 60, run.said
    assert "Traceback" not in run.said
    assert left_running(site) == []
    harmless = not log.exists() or way.startswith("leave") or call == "trial"
    arrived = (
        site.arrived(check=False) if site.cloud.joinpath("x").parent.exists() and any(site.cloud.iterdir()) else {}
    )
    assert arrived | contents(site.source) == library
    if harmless:
        assert run.status == 0, run.said
        assert contents(site.source) == {}
    elif (call, way) in {("lsf", "lie"), ("lsf", "babble")} and run.status == 0:
        assert contents(site.source) == library
    else:
        assert run.status in (1, 2), run.said
        assert len(run.stderr.strip().splitlines()) == 1, run.said
    assert run.of("sa_switched")[1:] == []
    site.config["core"]["rclone_binary_path"] = str(site.rclone)
    again = site.run("upload")
    assert again.status == 0, again.said
    assert contents(site.source) == {}


@pytest.mark.parametrize("call", ["dump", "lsf", "upload", "trial"])
def test_signals_end_an_upload_whatever_hangs(any_site: LocalSite, call: str) -> None:
    any_site.write("one", 2000)
    any_site.add_accounts(1, quota="1M")
    log = spoil(any_site, call, "hang")
    any_site.config["core"]["stall_minutes"] = 10
    process = any_site.start("upload")
    try:
        wait_for(log.exists, f"the call\n{any_site.output()}", 20)
        time.sleep(0.3)
        asked_at = time.monotonic()
        for number in (signal.SIGINT, signal.SIGINT, signal.SIGTERM):
            process.send_signal(number)
            time.sleep(0.02)
        status = process.wait(10)
        took = time.monotonic() - asked_at
    finally:
        process.kill()
        process.wait()

    assert (status, took < 3) == (130, True), any_site.output()
    assert "Traceback" not in any_site.output()
    assert left_running(any_site) == []
    assert [path for path in any_site.root.rglob("*") if path.name.endswith((".tmp", ".compare"))] == []


@pytest.mark.parametrize("call", ["dump", "lsf", "upload"])
def test_killed_while_a_call_hangs_everything_is_free_after_a_second(any_site: LocalSite, call: str) -> None:
    any_site.write("one", 2000)
    any_site.add_accounts(1, quota="1M")
    log = spoil(any_site, call, "hang")
    process = any_site.start("upload")
    wait_for(log.exists, f"the call\n{any_site.output()}", 20)
    time.sleep(0.2)
    process.kill()
    process.wait()
    killed_at = time.monotonic()

    wait_for(lambda: not left_running(any_site), "the end of what hangs", 4)
    assert time.monotonic() - killed_at < 3
    any_site.config["core"]["rclone_binary_path"] = str(any_site.rclone)
    again = any_site.run("upload")

    assert again.status == 0, again.said
    assert contents(any_site.source) == {}


def test_a_daemon_of_a_wrapper_holds_no_lock(any_site: LocalSite) -> None:
    any_site.write("one", 2000)
    spoil(any_site, "upload", "leave a daemon")
    first = any_site.run("upload")
    any_site.write("two", 2000)
    second = any_site.run("upload")

    assert (first.status, second.status) == (0, 0), second.said


def test_a_stalled_rclone_is_ended_and_its_figures_age(any_site: LocalSite) -> None:
    """The process is stopped in the middle: the last speed is not claimed for ever."""
    for number in range(6):
        any_site.write(f"{number}", 300_000)
    any_site.extras.update({"--bwlimit": "200k", "--transfers": 1, "--buffer-size": "0"})
    any_site.config["core"]["stall_minutes"] = 7 / 60
    process = any_site.start("upload")
    try:
        wait_for(lambda: any(event["signal"] == "transfer_progress" for event in any_site.told()), "progress", 20)
        time.sleep(1.2)
        stopped = [
            one
            for one in psutil.Process(process.pid).children()
            if one.cmdline()[:1] == [str(any_site.rclone)] and "copy" in one.cmdline()
        ]
        for one in stopped:
            os.kill(one.pid, signal.SIGSTOP)
        wait_for(
            lambda: any(
                event["signal"] == "stage_finished" and event["outcome"] == "stalled" for event in any_site.told()
            ),
            f"the end of the stalled stage\n{any_site.output()}",
            30,
        )
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(15)
        process.kill()
        process.wait()

    told = any_site.told()
    end = next(number for number, event in enumerate(told) if event["signal"] == "stage_finished")
    last = [event for event in told[:end] if event["signal"] == "transfer_progress"][-1]
    assert last["speed"] == 0
    assert not last["done_at"]
    assert left_running(any_site) == []
