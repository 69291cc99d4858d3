"""`cloudplow run` with a real rclone: what starts when, how it is steered, and an upload beside it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from cloudplow.control.client import ask
from cloudplow.errors import CloudplowError
from tests.harness.receivers import receivers
from tests.integration.local_site import UPLOADER, LocalSite, contents, wait_for

pytestmark = pytest.mark.rclone

MB = 1_000_000


@contextmanager
def running(site: LocalSite, command: str = "run") -> Iterator[subprocess.Popen[bytes]]:
    """A service, which answers; killed at the end, with its rclone."""
    process = site.start(command)
    try:
        wait_for(lambda: answers(site), f"an answer\n{site.output()}")
        yield process
    finally:
        children = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
        process.kill()
        process.wait()
        for one in children:
            one.kill()


def answers(site: LocalSite) -> bool:
    try:
        return bool(ask(site.root, {"do": "status"}, 30))
    except CloudplowError:
        return False


def checks_every(site: LocalSite, seconds: float, threshold: int, uploader: str = UPLOADER) -> None:
    one = site.config["uploader"].setdefault(uploader, {"exclude_open_files": False})
    one.update(check_interval=seconds / 60, max_size_gb=threshold / (1 << 30))


def said(site: LocalSite, *words: str) -> tuple[int, str]:
    """A command beside the service: its status, and all that it printed."""
    done = subprocess.run(
        site.command(*words), env=site.environment(), cwd=site.root, capture_output=True, text=True, timeout=60
    )
    assert "Traceback" not in done.stdout + done.stderr
    return done.returncode, done.stdout + done.stderr


def why(site: LocalSite, uploader: str = UPLOADER) -> str:
    return str(ask(site.root, {"do": "status"}, 30)["uploaders"][uploader]["why"])


def waits_for(site: LocalSite, text: str, uploader: str = UPLOADER) -> None:
    wait_for(lambda: text in why(site, uploader), f"{text}\n{site.output()}")


def ended(site: LocalSite, uploader: str = UPLOADER) -> list[dict[str, Any]]:
    return [one for one in site.told() if one["signal"] == "session_finished" and one["uploader"] == uploader]


def end_number(site: LocalSite, number: int) -> dict[str, Any]:
    """Wait for the so-manieth session to end, counted from 1."""
    return wait_for(lambda: ended(site)[number - 1 :], f"upload {number}\n{site.output()}")[0]


def started(site: LocalSite) -> list[dict[str, Any]]:
    return [one for one in site.told() if one["signal"] == "session_started"]


def add_uploader(site: LocalSite, name: str) -> Path:
    folder = site.root / name
    folder.mkdir()
    site.config["remotes"][name] = {"upload_folder": str(folder), "upload_remote": f"vault:{name}"}
    checks_every(site, 0.5, 1, name)
    return folder


def test_it_waits_for_the_threshold_and_then_uploads_and_two_take_turns(any_site: LocalSite) -> None:
    checks_every(any_site, 0.5, 3 * MB)
    movies = add_uploader(any_site, "movies")
    any_site.write("one.mkv", 2 * MB)
    with running(any_site) as process:
        waits_for(any_site, "waiting: 1.9 MB of 2.9 MB, next check")
        (movies / "film").write_bytes(b"x" * MB)
        wait_for(lambda: ended(any_site, "movies"), f"the film\n{any_site.output()}")
        assert ended(any_site) == []
        any_site.write("two.mkv", 2 * MB)
        (finished,) = wait_for(lambda: ended(any_site), f"the upload\n{any_site.output()}")
        assert (finished["outcome"], finished["files"]) == ("done", 2)
        waits_for(any_site, "waiting: nothing to upload")
        process.terminate()
        assert process.wait(10) == 0, any_site.output()
    assert contents(any_site.source) == {}
    checked = [one for one in any_site.told() if one["signal"] == "uploader_checked" and one["uploader"] == UPLOADER]
    assert (checked[0]["bytes"], checked[0]["due"]) == (2 * MB, False)
    assert "Traceback" not in any_site.output()


def test_what_rclone_would_not_send_does_not_count(any_site: LocalSite) -> None:
    checks_every(any_site, 3600, 3 * MB)
    any_site.uploader["size_excludes"] = ["downloads/"]
    any_site.remote["rclone_excludes"] = ["*.part"]
    any_site.write("one.mkv", MB)
    any_site.write("one.part", 5 * MB)
    any_site.write("downloads/two.mkv", 5 * MB)
    with running(any_site):
        waits_for(any_site, "waiting: 976.6 KB of 2.9 MB")


def test_a_copy_counts_what_the_destination_lacks_once_the_source_is_large_enough(any_site: LocalSite) -> None:
    any_site.remote["rclone_command"] = "copy"
    any_site.write("one.mkv", 3 * MB)
    checks_every(any_site, 0.3, 3 * MB)
    with running(any_site):
        (finished,) = wait_for(lambda: ended(any_site), f"the upload\n{any_site.output()}")
        assert finished["files"] == 1
        waits_for(any_site, "waiting: nothing to upload")
        assert len(ended(any_site)) == 1


def test_it_is_steered_and_a_pause_survives_a_kill(any_site: LocalSite) -> None:
    checks_every(any_site, 3600, 900 * MB)
    any_site.write("one.mkv", MB)
    with running(any_site):
        waits_for(any_site, "of 858.3 MB")
        assert said(any_site, "start", UPLOADER)[0] == 0
        wait_for(lambda: ended(any_site), f"the upload\n{any_site.output()}")
        status, text = said(any_site, "pause", "--for", "2h")
        assert (status, "paused by" in text and "until" in text) == (0, True)
        before = why(any_site)
        assert said(any_site, "upload")[0] == 3
        assert said(any_site, "upload", "--dry-run")[0] == 2
    with running(any_site):
        assert why(any_site) == before
        assert said(any_site, "resume") == (0, f"{UPLOADER}: the pause has ended\n")
        assert said(any_site, "stop") == (0, "Nothing runs or waits that could be stopped.\n")
        for words, sentence in (
            (("limit", "banana"), '"banana" is not a speed'),
            (("start", "gogle"), 'there is no uploader "gogle"; the running instance has: google'),
            (("stop", "gogle"), 'there is no uploader "gogle"; the running instance has: google'),
            (("pause", "--for", "soon"), '"soon" is not a duration'),
        ):
            status, text = said(any_site, *words)
            assert status == 2
            assert sentence in text
            assert len(text.splitlines()) == 1
    status, text = said(any_site, "status")
    assert status == 1
    assert str(any_site.root) in text
    assert str(any_site.config_path) in text


def test_quota_that_comes_back_is_used_within_two_seconds_while_another_uploads(any_site: LocalSite) -> None:
    checks_every(any_site, 0.5, 1)
    movies = add_uploader(any_site, "movies")
    for number in range(3):
        any_site.write(f"{number}.mkv", MB)
    any_site.add_accounts(1, quota=MB, hours=4 / 3600)
    with running(any_site):
        waits_for(any_site, "the account is cooling")
        (movies / "film").write_bytes(b"x" * MB)
        wait_for(lambda: ended(any_site, "movies"), f"the film\n{any_site.output()}")
        wait_for(lambda: len(ended(any_site)) == 3, f"all of it\n{any_site.output()}")
    mine = [one for one in any_site.told() if one["uploader"] == UPLOADER]
    assert [one["outcome"] for one in mine if one["signal"] == "session_finished"] == ["quota_used"] * 2 + ["done"]
    assert len({one["run_id"] for one in mine if one["signal"] == "session_started"}) == 1
    suspended = [one["until"] for one in mine if one["signal"] == "uploader_suspended"]
    went = [one["at"] for one in mine if one["signal"] == "stage_started"][1:]
    assert all(at - until < 2 for until, at in zip(suspended, went, strict=True))


def test_an_upload_beside_it_is_done_by_it_and_can_be_left(any_site: LocalSite) -> None:
    checks_every(any_site, 3600, 900 * MB)
    any_site.extras.update({"--bwlimit": "1M", "--transfers": 1, "--buffer-size": "0"})
    for number in range(4):
        any_site.write(f"{number}.mkv", MB)
    with running(any_site) as process:
        waits_for(any_site, "of 858.3 MB")
        beside = subprocess.Popen(
            any_site.command("upload"), env=any_site.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        wait_for(lambda: any(one["signal"] == "file_transferred" for one in any_site.told()), "a file")
        beside.send_signal(signal.SIGINT)
        _, errors = beside.communicate(timeout=30)
        assert beside.returncode == 130
        assert f"the upload goes on in process {process.pid}".encode() in errors
        assert b'"cloudplow stop google" ends it' in errors
        (finished,) = wait_for(lambda: ended(any_site), f"the upload\n{any_site.output()}")
        assert finished["files"] == 4
        any_site.write("later.mkv", MB)
        status, text = said(any_site, "upload", UPLOADER)
        assert (status, "Done: 1 file, 976.6 KB uploaded" in text) == (0, True), text
        other = any_site.root / "other.json"
        other.write_text(json.dumps(any_site.config))
        status, text = said(any_site, "--config", str(other), "upload")
        assert status == 2
        assert f"cloudplow runs already (process {process.pid}) with {any_site.config_path}" in text


def test_an_instance_that_dies_ends_the_upload_beside_it(any_site: LocalSite) -> None:
    checks_every(any_site, 3600, 900 * MB)
    any_site.extras.update({"--bwlimit": "200k", "--transfers": 1, "--buffer-size": "0"})
    for number in range(4):
        any_site.write(f"{number}.mkv", MB)
    with running(any_site) as process:
        beside = subprocess.Popen(
            any_site.command("upload"), env=any_site.environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        wait_for(lambda: any(one["signal"] == "stage_started" for one in any_site.told()), "the upload")
        os.kill(process.pid, signal.SIGKILL)
        output, _ = beside.communicate(timeout=30)
        assert beside.returncode in (1, 130), output.decode()
        assert b"cloudplow ended before the upload did" in output or b"has ended before the upload did" in output


def test_receivers_that_hang_drip_or_fail_delay_neither_the_next_upload_nor_the_end_of_the_service(
    any_site: LocalSite,
) -> None:
    checks_every(any_site, 0.5, 1)
    with receivers() as there:
        ways = ("works", "hangs", "drips", "fails")
        any_site.config["notifications"] = {
            way: {"service": "slack", "webhook_url": there.url(way, "s3cr3tT0ken")} for way in ways
        }
        with running(any_site) as process:
            for number in (1, 2):
                any_site.write(f"{number}.mkv", MB)
                finished = end_number(any_site, number)
                assert (finished["outcome"], finished["files"]) == ("done", 1)
                assert finished["at"] - started(any_site)[-1]["at"] < 10
            for way in ways:
                there.wait_for(way, 1)
            process.terminate()
            # Two seconds for the last messages, and what a busy machine takes; what hangs would take fifteen.
            assert process.wait(8) == 0, any_site.output()
        texts = there.texts("works")
        assert sum("upload began" in text for text in texts) == sum("done: 1 file" in text for text in texts) == 2
    told = {(one["receiver"], one["error"]) for one in any_site.told() if one["signal"] == "notification_failed"}
    assert ("fails", "it answered with HTTP 500") in told
    assert "s3cr3tT0ken" not in any_site.output()


def test_quota_that_comes_back_is_told_while_nothing_uploads(any_site: LocalSite) -> None:
    checks_every(any_site, 60, 1)
    any_site.write("film.mkv", MB)
    any_site.add_accounts(1, quota=10 * MB, hours=4 / 3600)
    with running(any_site):
        wait_for(lambda: ended(any_site), f"the upload\n{any_site.output()}")
        assert said(any_site, "pause")[0] == 0
        wait_for(lambda: quotas(any_site)[-1] == 0, f"the return of its quota\n{any_site.output()}")
        book = json.loads(said(any_site, "accounts", "--json")[1])
    assert [one["used_bytes"] for one in book[UPLOADER]] == [0]


def quotas(site: LocalSite) -> list[int]:
    """What was told of the only account, one after the other."""
    return [one["used_bytes"] for one in site.told() if one["signal"] == "quota_changed"]


def test_with_dry_run_each_check_makes_one_and_nothing_is_uploaded(any_site: LocalSite) -> None:
    checks_every(any_site, 0.5, 1)
    any_site.config["core"]["dry_run"] = True
    any_site.write("film.mkv", MB)
    with running(any_site) as process:
        wait_for(lambda: len(ended(any_site)) >= 2, f"two dry runs\n{any_site.output()}")
        process.terminate()
        assert process.wait(10) == 0, any_site.output()
    assert list(contents(any_site.source)) == [b"film.mkv"]
    assert contents(any_site.cloud) == {}
    assert all(one["dry_run"] and one["files"] == 0 for one in ended(any_site))
    due = [one for one in any_site.told() if one["signal"] == "uploader_checked" and one["due"]]
    assert len(ended(any_site)) <= len(due)
