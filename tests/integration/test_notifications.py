"""Notifications of real uploads: who is told what, and that nobody delays anything."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.harness.receivers import Receivers, receivers
from tests.integration.local_site import LocalSite, Run
from tests.tools import free_port

pytestmark = pytest.mark.rclone

SECRET: Final = "s3cr3tT0ken"
#: After the last message, the program may take two seconds, and what a busy machine takes.
END_SECONDS: Final = 8.0


@pytest.fixture
def there() -> Iterator[Receivers]:
    with receivers() as found:
        yield found


def slack(there: Receivers, way: str = "works", **more: Any) -> dict[str, Any]:
    return {"service": "slack", "webhook_url": there.url(way, SECRET), **more}


def assert_silent_about_secrets(site: LocalSite, run: Run) -> None:
    kept = "".join(path.read_text("utf-8", "replace") for path in site.root.glob("*.log*"))
    kept += (
        (site.root / "notifications_cache.json").read_text()
        if (site.root / "notifications_cache.json").exists()
        else ""
    )
    assert SECRET not in run.said + kept + str(run.events)


def test_an_upload_is_told_whatever_other_receivers_do(any_site: LocalSite, there: Receivers) -> None:
    any_site.write_library(10, 200_000)
    any_site.add_accounts(2, quota="150K")
    any_site.config["notifications"] = {
        "chat": slack(there),
        "errors": {**slack(there, "fails"), "min_level": "error"},
        "broken": slack(there, "fails"),
        "slow": slack(there, "hangs"),
        "gone": {"service": "slack", "webhook_url": f"http://127.0.0.1:{free_port()}/{SECRET}"},
        "blank": {"service": "pushover", "app_token": "", "user_token": "YOUR_TOKEN"},
        "check": {"service": "healthchecks", "url": there.url("works", f"check-{SECRET}")},
        "beats": {"service": "uptimekuma", "url": there.url("works", f"beats-{SECRET}?status=up&msg=OK&ping=")},
    }

    run = any_site.run("upload", "--loglevel", "DEBUG")
    took = time.monotonic() - there.of("works")[-1].at

    assert run.status == 0, run.said
    assert took < END_SECONDS
    began, ended = (one.text for one in there.of("works") if one.path.endswith(SECRET) and "check" not in one.path)
    assert began == "google: upload began: 10 files, 195.3 KB with 2 accounts"
    assert ended.startswith("google: done: 10 files, 195.3 KB uploaded with 2 accounts")
    start, end = (one for one in there.of("works") if "check" in one.path)
    assert urlsplit(start.path).path.endswith("/start") and urlsplit(end.path).path.endswith(SECRET)
    assert parse_qs(urlsplit(start.path).query)["rid"] == parse_qs(urlsplit(end.path).query)["rid"]
    assert all("status=up" in one.path for one in there.of("works") if "beats" in one.path)
    told = {(one["receiver"], one["error"]) for one in run.of("notification_failed")}
    assert told >= {("broken", "it answered with HTTP 500"), ("gone", "the connection was refused")}
    assert (
        "notifications.blank.app_token: is missing, but pushover needs it, so blank gets no notifications" in run.said
    )
    assert 'The notification for "slow" failed: the program ended before' in run.said
    assert_silent_about_secrets(any_site, run)


def test_the_next_start_says_only_what_is_news(any_site: LocalSite, there: Receivers) -> None:
    any_site.write_library(4, 400_000)
    any_site.add_accounts(1, quota="150K")
    any_site.config["notifications"] = {"chat": slack(there)}

    assert any_site.run("upload").status == 3
    first = there.texts("works")
    assert any_site.run("upload").status == 3

    assert [text.split(": ")[1].partition(";")[0] for text in first] == [
        "upload began",
        "the quota of every account is used",
        "stopped, all quota is used",
    ]
    assert "Left: " in first[-1] and "More quota at " in first[-1]
    # The files are waiting still, which was told today.
    assert there.texts("works") == first


def test_an_interrupted_upload_ends_as_soon_as_ever_with_a_receiver_that_hangs(
    any_site: LocalSite, there: Receivers
) -> None:
    any_site.write_library(4, 4_000_000)
    any_site.extras["--bwlimit"] = "300K"
    any_site.config["notifications"] = {"slow": slack(there, "hangs"), "chat": slack(there)}
    process = any_site.start("upload")
    there.wait_for("works", 1)
    there.wait_for("hangs", 1)

    process.send_signal(signal.SIGINT)
    before = time.monotonic()

    assert process.wait(30) == 130, any_site.output()
    assert time.monotonic() - before < END_SECONDS
    assert there.texts("works")[-1].startswith("google: interrupted: ")
    assert SECRET not in any_site.output()


def test_a_dry_run_is_not_told(any_site: LocalSite, there: Receivers) -> None:
    any_site.write("film.mkv")
    any_site.config["notifications"] = {
        "chat": slack(there),
        "check": {"service": "healthchecks", "url": there.url("works", "check")},
    }

    assert any_site.run("upload", "--dry-run").status == 0
    any_site.config["core"]["dry_run"] = True
    assert any_site.run("upload").status == 0

    assert there.of("works") == []


def test_notify_test_says_what_came_of_each(any_site: LocalSite, there: Receivers) -> None:
    any_site.config["notifications"] = {
        "chat": slack(there),
        "bad": slack(there, "fails"),
        "many": {"service": "apprise", "url": f"json://127.0.0.1:{there.port}/works/{SECRET}"},
        "check": {"service": "healthchecks", "url": there.url("works", f"check-{SECRET}")},
    }

    every = any_site.run("notify-test")
    unknown = any_site.run("notify-test", "chta")

    assert every.status == 1, every.said
    lines = [line for line in every.stdout.splitlines() if ": sent" in line or ": failed" in line]
    assert sorted(lines) == [
        "bad (slack): failed: it answered with HTTP 500",
        "chat (slack): sent",
        "check (healthchecks): sent",
        "many (apprise, json://): sent",
    ]
    assert unknown.status == 2
    assert 'there is no receiver "chta" that can be used; usable: chat, bad, many, check' in unknown.stderr
    for run in (every, unknown):
        assert_silent_about_secrets(any_site, run)
    assert any("/log?" in got.path for got in there.of("works"))
