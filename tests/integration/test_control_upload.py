"""A running upload is asked what it does, and stopped, through its control socket."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil
import pytest

from cloudplow import __version__
from cloudplow.control.client import ask
from cloudplow.errors import CloudplowError, NotRunningError
from tests.integration.local_site import UPLOADER, LocalSite, contents, wait_for

pytestmark = pytest.mark.rclone

#: Slow enough to be asked in the middle: 20 files of 75 KB, at 400 KB/s unless a test wants it slower.
FILES = 20
FILE_BYTES = 75_000


@contextmanager
def uploading(site: LocalSite, rate: str = "400k") -> Iterator[subprocess.Popen[bytes]]:
    """An upload in the middle of its files; killed at the end, with its rclone."""
    for number in range(FILES):
        site.write(f"{number:02}.mkv", FILE_BYTES)
    site.extras.update({"--bwlimit": rate, "--transfers": 2, "--buffer-size": "0"})
    process = site.start("upload")
    try:
        wait_for(lambda: any(one["signal"] == "file_transferred" for one in site.told()), f"a file\n{site.output()}")
        yield process
    finally:
        children = psutil.Process(process.pid).children() if process.poll() is None else []
        process.kill()
        process.wait()
        for one in children:
            one.kill()


def do(site: LocalSite, what: str, **request: Any) -> dict[str, Any]:
    return ask(site.root, {"do": what, **request}, 30)


def warnings(text: str) -> list[str]:
    return [line for line in text.splitlines() if "WARNING" in line or "ERROR" in line]


def test_a_running_upload_says_what_it_does_and_is_stopped_on_request(any_site: LocalSite) -> None:
    with uploading(any_site) as process:
        told = do(any_site, "status")
        assert (told["pid"], told["version"]) == (process.pid, __version__)
        assert abs(told["started_at"] - psutil.Process(process.pid).create_time()) < 60
        assert told["uploaders"][UPLOADER]["state"] == "uploading"

        with pytest.raises(CloudplowError, match='there is no uploader "gogle"'):
            do(any_site, "stop", name="gogle")
        assert do(any_site, "status")["uploaders"][UPLOADER]["state"] == "uploading"

        assert do(any_site, "stop", name=UPLOADER, now=True)["stopping"] == [UPLOADER]
        status = process.wait(30)

    assert status == 130, any_site.output()
    assert "Traceback" not in any_site.output()
    assert any_site.told()[-1]["outcome"] == "interrupted"
    assert 0 < len(contents(any_site.source)) < FILES
    with pytest.raises(NotRunningError, match=str(any_site.root)):
        do(any_site, "status")
    assert list(any_site.root.glob("control.sock*")) == []


def test_stopped_now_it_ends_too(any_site: LocalSite) -> None:
    with uploading(any_site) as process:
        assert do(any_site, "stop", now=True)["stopping"] == [UPLOADER]
        assert process.wait(30) == 130, any_site.output()


def test_asked_all_the_time_it_uploads_everything(any_site: LocalSite) -> None:
    with uploading(any_site) as process:
        asked = 0
        while process.poll() is None:
            try:
                do(any_site, "status")
            except NotRunningError:
                continue
            asked += 1
        assert process.wait() == 0, any_site.output()

    assert asked > 20
    assert contents(any_site.source) == {}
    assert warnings(any_site.output()) == []


def test_after_a_kill_the_next_upload_is_asked_as_the_first_one_was(any_site: LocalSite) -> None:
    for _ in range(2):
        with uploading(any_site) as process:
            assert do(any_site, "status")["pid"] == process.pid
            process.kill()
            process.wait()
            with pytest.raises(NotRunningError):
                do(any_site, "status")

    assert [line for line in warnings(any_site.output()) if "the last run was interrupted" not in line] == []


def test_a_second_upload_shows_the_first_one_and_has_its_status(any_site: LocalSite) -> None:
    with uploading(any_site) as process:
        second = subprocess.run(
            any_site.command("upload"),
            env=any_site.environment(),
            cwd=any_site.root,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert process.wait(30) == 0, any_site.output()
    assert second.returncode == 0, second.stderr
    assert f"it is uploading already (process {process.pid})" in second.stdout
    assert "Done: " in second.stdout
    assert "Traceback" not in second.stdout + second.stderr
    assert len([event for event in any_site.told() if event["signal"] == "session_started"]) == 1


def test_without_its_socket_an_upload_goes_on_with_one_warning(any_site: LocalSite) -> None:
    (any_site.root / "control.sock").mkdir()
    any_site.write("film", 1000)

    run = any_site.run("upload")

    assert run.status == 0, run.said
    assert run.transferred == {"film": 1000}
    (warning,) = warnings(run.stdout + run.stderr)
    assert "control.sock is in the way of the control socket, as it is a folder: move or delete it" in warning
    assert (any_site.root / "control.sock").is_dir()


def test_what_changes_nothing_makes_no_socket(any_site: LocalSite) -> None:
    any_site.write("film", 1000)

    assert any_site.run("plan").status == 0
    assert any_site.run("check").status == 0
    assert list(any_site.root.glob("control.sock*")) == []
