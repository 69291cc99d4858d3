"""cloudplow from Python: the example of the README, and what a program needs besides."""

from __future__ import annotations

import re
import subprocess
import sys
import threading

import pytest

import cloudplow
from cloudplow import events
from cloudplow.errors import BusyError, CloudplowError, ConfigError
from cloudplow.events import SessionOutcome
from tests.integration.local_site import REPOSITORY, UPLOADER, LocalSite, contents

pytestmark = pytest.mark.rclone


def test_the_example_of_the_readme_uploads_and_prints_only_what_it_says(any_site: LocalSite) -> None:
    (code,) = re.findall(
        r"^```python\n(import cloudplow\n.*?)^```$", (REPOSITORY / "README.md").read_text(), re.M | re.S
    )
    any_site.write("one.mkv", 1000)
    any_site.write("two.mkv", 1000)
    any_site.add_accounts(1, quota=1000, hours=0.0005)
    any_site.config["plugins"] = []
    any_site.save()
    done = subprocess.run(
        [sys.executable, "-c", code], env=any_site.environment(), cwd=any_site.root, capture_output=True, text=True
    )
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert lines[-1] == f"{UPLOADER} done 1 0"
    assert sorted(lines[:-1]) == ["one.mkv 1.json", "two.mkv 1.json"]
    assert contents(any_site.source) == {}


def test_it_is_steered_from_another_thread_and_uploads_again(any_site: LocalSite) -> None:
    for number in range(8):
        any_site.write(f"{number}.mkv", 100_000)
    any_site.extras.update({"--bwlimit": "400k", "--transfers": 1, "--buffer-size": "0"})
    any_site.save()
    with cloudplow.open(any_site.config_path) as app:
        first = threading.Event()

        def stop(_sender: str, **_event: object) -> None:
            if not first.is_set():
                first.set()
                app.controls.stop(UPLOADER)

        events.file_transferred.connect(stop)
        (finished,) = app.upload(UPLOADER)
        assert finished.outcome is SessionOutcome.SUSPENDED
        assert 0 < finished.files < 8
        (finished,) = app.upload()
        assert finished.outcome is SessionOutcome.DONE
        assert app.controls.status()[UPLOADER].why.startswith("last upload: Done")
    assert contents(any_site.source) == {}


def test_faults_are_exceptions(any_site: LocalSite) -> None:
    any_site.save()
    with cloudplow.open(any_site.config_path) as app:
        with pytest.raises(ConfigError, match='there is no uploader "gogle"'):
            app.upload("gogle")
        with app._owning([], opens=True), cloudplow.open(any_site.config_path) as other, pytest.raises(BusyError):
            other.upload()
        with pytest.raises(CloudplowError, match="nothing is running"):
            app.controls.pause(UPLOADER)
    with pytest.raises(ConfigError):
        cloudplow.open(any_site.root / "missing.json")
