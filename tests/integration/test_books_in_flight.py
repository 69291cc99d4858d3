"""What is on its way, and what is in doubt, in events and on the dashboard."""

from __future__ import annotations

import itertools
import json
import re
import time
from pathlib import Path
from typing import Any, Final
from urllib.request import urlopen

import pytest

from tests.fake_drive import FakeDrive
from tests.fake_drive.pytest_plugin import MakeDrive
from tests.integration import event_log
from tests.integration.book_site import MB, BookSite, make_book_site
from tests.integration.local_site import wait_for

pytestmark = [pytest.mark.rclone, pytest.mark.timeout(300)]

QUOTA: Final = 40 * MB


@pytest.fixture
def drive(fake_drive: MakeDrive) -> FakeDrive:
    return fake_drive(accounts=2, quota_bytes=QUOTA)


@pytest.fixture
def site(rclone: Path, drive: FakeDrive, tmp_path: Path) -> BookSite:
    """With files that take some seconds; rclone itself is slow, so that it knows what has been sent."""
    extras = {"--bwlimit": "2M", "--transfers": 2}
    made = make_book_site(tmp_path / "site", drive, rclone, quota_bytes=QUOTA, extras=extras)
    made.write([9 * MB] * 2 + [1000])
    return made


def quotas(site: BookSite) -> list[dict[str, Any]]:
    return [event for event in site.told("quota_changed") if event["account"] == "1.json"]


def test_events_of_a_slow_upload_say_what_is_on_its_way(drive: FakeDrive, site: BookSite) -> None:
    site.upload()

    told = quotas(site)
    on_its_way = [event["in_flight_bytes"] for event in told]
    assert max(on_its_way) > 4 * MB
    until_one_arrives = on_its_way[: on_its_way.index(max(on_its_way))]
    assert until_one_arrives == sorted(until_one_arrives), "it grows"
    assert (told[-1]["in_flight_bytes"], told[-1]["unsettled_bytes"], told[-1]["used_bytes"]) == (0, 0, 18 * MB + 1000)
    for event in told:
        assert event["used_bytes"] + event["in_flight_bytes"] <= 18 * MB + 1000
        assert event["limit_bytes"] == QUOTA
    times = [event["at"] for event in told]
    assert max(later - earlier for earlier, later in itertools.pairwise(times)) < 6, "about once a second"


def test_events_after_a_kill_say_what_is_in_doubt_until_it_is_known(drive: FakeDrive, site: BookSite) -> None:
    upload = site.start()
    wait_for(lambda: any(event["in_flight_bytes"] > MB for event in quotas(site)), f"bytes\n{site.output()}")
    upload.kill_all()
    seen = len(site.told())
    site.upload()

    (begun, *_) = [event for event in site.told()[seen:] if event["signal"] == "accounts_learned"]
    (first,) = [one for one in begun["accounts"] if one["account"] == "1.json"]
    assert first["unsettled_bytes"] >= 18 * MB
    *_, ended = site.told("accounts_learned")
    assert {one["unsettled_bytes"] for one in ended["accounts"]} == {0}
    site.assert_settled()


def asked(address: str, path: str) -> Any:
    with urlopen(address + path, timeout=10) as answer:
        return json.loads(answer.read())


def address_of(site: BookSite) -> str:
    (address, *_) = wait_for(lambda: re.findall(r"Dashboard: (\S+)", site.output()), f"the dashboard\n{site.output()}")
    return str(address)


def test_the_dashboard_says_what_is_on_its_way(drive: FakeDrive, site: BookSite) -> None:
    site.site.config["plugins"] = [event_log.PLUGIN, "cloudplow_dashboard"]
    site.site.config["dashboard"] = {"enabled": True, "port": 0}
    upload = site.start()
    try:
        address = address_of(site)

        def first() -> dict[str, Any]:
            accounts: list[dict[str, Any]] = asked(address, "api/service_accounts")
            return next((one for one in accounts if one["sa_file"] == "1.json"), {})

        wait_for(lambda: first().get("in_flight_bytes", 0) > MB, "bytes on their way")
        account = first()
        assert account["status"] == "active"
        assert account["unsettled_bytes"] == 0
        assert account["in_flight_bytes"] <= 18 * MB + 1000
        taken = account["used_bytes"] + account["in_flight_bytes"]
        assert account["percentage"] == pytest.approx(100 * taken / QUOTA, abs=0.2)
        (others,) = [one for one in asked(address, "api/service_accounts") if one["sa_file"] == "2.json"]
        assert (others["in_flight_bytes"], others["unsettled_bytes"]) == (0, 0)
    finally:
        assert site.finish(upload) == 0, site.output()


def test_the_dashboard_says_what_is_in_doubt_after_a_kill(drive: FakeDrive, site: BookSite) -> None:
    upload = site.start()
    wait_for(lambda: any(event["in_flight_bytes"] > MB for event in quotas(site)), f"bytes\n{site.output()}")
    upload.kill_all()
    site.site.config["plugins"] = ["cloudplow_dashboard"]
    site.site.config["dashboard"] = {"enabled": True, "port": 0}
    dashboard = site.start("dashboard")
    try:
        address = address_of(site)
        (account,) = [one for one in asked(address, "api/service_accounts") if one["sa_file"] == "1.json"]
        assert account["unsettled_bytes"] >= 18 * MB
        assert account["in_flight_bytes"] == 0
    finally:
        dashboard.kill_all()
    time.sleep(0.1)
    site.assert_not_below()
