"""Uploads through the command line with the real rclone, over pools of accounts: the numbers add up to the byte."""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass

import pytest

from tests.integration.local_site import UPLOADER, Contents, LocalSite, Run, contents, total_bytes
from tests.rclone_binaries import VERSIONS, require_rclone

pytestmark = pytest.mark.rclone

QUOTA = 1_000_000


@dataclass(frozen=True, slots=True)
class PoolRun:
    """One upload that needs all five accounts of a pool."""

    site: LocalSite
    library: Contents
    run: Run


@pytest.fixture(scope="module", params=VERSIONS)
def pool(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> PoolRun:
    """Such an upload, once for each supported rclone."""
    site = LocalSite(tmp_path_factory.mktemp("pool") / "site", require_rclone(request.param))
    library = site.write_library(60, 4_400_000)
    site.add_accounts(5, quota=QUOTA)
    return PoolRun(site, library, site.run("upload"))


def test_a_pool_uploads_everything_and_all_numbers_agree(pool: PoolRun) -> None:
    site, run = pool.site, pool.run

    assert run.status == 0, run.said
    assert site.arrived() == pool.library
    assert contents(site.source) == {}
    assert run.transferred == {os.fsdecode(name): size for name, (size, _) in pool.library.items()}
    assert run.finished["outcome"] == "done"
    assert run.finished["files"] == 60
    assert run.finished["bytes"] == run.transferred_bytes == site.ledger_bytes() == 4_400_000
    assert run.finished["files_left"] == run.finished["bytes_left"] == 0
    assert run.finished["next_capacity_at"] is None
    assert all(record["bytes"] <= QUOTA for record in site.ledger().values())


def test_each_account_is_charged_what_its_stages_uploaded(pool: PoolRun) -> None:
    charged = {name: record["bytes"] for name, record in pool.site.ledger().items()}
    by_files = dict.fromkeys(charged, 0)
    for event in pool.run.of("file_transferred"):
        by_files[event["account"]] += event["size"]
    by_stages = dict.fromkeys(charged, 0)
    for event in pool.run.of("stage_finished"):
        by_stages[event["account"]] += event["bytes"]
    last_told = {event["account"]: event["used_bytes"] for event in pool.run.of("quota_changed")}

    assert len(charged) == 5
    assert charged == by_files == by_stages == last_told


def test_events_tell_of_the_session_from_beginning_to_end(pool: PoolRun) -> None:
    run = pool.run

    assert [event["seq"] for event in run.events] == list(range(1, len(run.events) + 1))
    assert [event["at"] for event in run.events] == sorted(event["at"] for event in run.events)
    assert run.events[0]["signal"] == "session_started"
    assert run.events[-1]["signal"] == "session_finished"
    assert {(event["session_id"], event["uploader"]) for event in run.events} == {
        (run.finished["session_id"], UPLOADER)
    }


def test_events_tell_of_every_switch_and_its_reason(pool: PoolRun) -> None:
    switches = pool.run.of("sa_switched")

    assert [(event["previous"], event["current"], event["reason"]) for event in switches] == [
        ("", "1.json", "first"),
        ("1.json", "2.json", "quota_used"),
        ("2.json", "3.json", "quota_used"),
        ("3.json", "4.json", "quota_used"),
        ("4.json", "5.json", "quota_used"),
    ]
    assert [event["account_index"] for event in switches] == [0, 1, 2, 3, 4]
    assert {event["accounts_total"] for event in switches} == {5}


def test_events_tell_of_every_stage_and_the_files_in_it(pool: PoolRun) -> None:
    started, finished = pool.run.of("stage_started"), pool.run.of("stage_finished")

    assert [event["stage"] for event in started] == list(range(1, len(started) + 1))
    assert [event["stage"] for event in finished] == [event["stage"] for event in started]
    assert all(event["planned_bytes"] <= event["quota_remaining_bytes"] for event in started)
    assert {event["outcome"] for event in finished} == {"done"}
    for event in pool.run.of("file_transferred"):
        assert started[event["stage"] - 1]["account"] == event["account"]
        assert started[event["stage"] - 1]["seq"] < event["seq"] < finished[event["stage"] - 1]["seq"]


def test_the_queue_is_known_exactly_before_the_first_stage(pool: PoolRun) -> None:
    (learned,) = pool.run.of("queue_learned")

    assert (learned["files"], learned["bytes"], learned["confidence"]) == (60, 4_400_000, "exact")
    assert learned["seq"] < pool.run.of("stage_started")[0]["seq"]
    assert learned["distribution"]["statistics"]["total_bytes"] == 4_400_000


def test_without_accounts_everything_goes_in_one_stage(site: LocalSite) -> None:
    library = site.write_library(30, 900_000)

    run = site.run("upload")

    assert run.status == 0, run.said
    assert site.arrived() == library
    assert contents(site.source) == {}
    assert run.finished["bytes"] == run.transferred_bytes == 900_000
    (stage,) = run.of("stage_started")
    assert (stage["account"], stage["account_index"], stage["quota_remaining_bytes"]) == ("", -1, None)
    assert run.of("sa_switched", "quota_changed") == []
    assert site.ledger() == {}


def test_a_second_upload_has_nothing_to_do(site: LocalSite) -> None:
    site.write_library(5, 10_000)
    site.add_accounts(2, quota=QUOTA)
    site.run("upload")

    run = site.run("upload")

    assert run.status == 0, run.said
    assert run.of("stage_started", "file_transferred") == []
    assert (run.finished["outcome"], run.finished["files"], run.finished["bytes"]) == ("done", 0, 0)
    assert site.ledger_bytes() == 10_000


@pytest.mark.parametrize("accounts", [0, 2])
def test_a_folder_without_files_is_done_at_once(any_site: LocalSite, accounts: int) -> None:
    site = any_site
    (site.source / "empty" / "deep").mkdir(parents=True)
    if accounts:
        site.add_accounts(accounts, quota=QUOTA)

    run = site.run("upload")

    assert run.status == 0, run.said
    assert [event["signal"] for event in run.of("session_started", "queue_learned", "stage_started")] == [
        "session_started",
        "queue_learned",
    ]
    assert (run.finished["outcome"], run.finished["files"]) == ("done", 0)
    assert (site.source / "empty" / "deep").is_dir()


def test_files_without_content_are_uploaded(site: LocalSite) -> None:
    for number in range(20):
        site.write(f"empty {number}", 0)
    site.write("full", QUOTA)
    library = contents(site.source)
    site.add_accounts(1, quota=QUOTA)

    run = site.run("upload")

    assert run.status == 0, run.said
    assert site.arrived() == library
    assert run.finished["files"] == 21
    assert site.ledger_bytes() == QUOTA


def test_a_file_larger_than_any_quota_goes_alone_on_a_fresh_account(site: LocalSite) -> None:
    site.write("huge.mkv", 3 * QUOTA)
    site.write("small.mkv", 1000)
    library = contents(site.source)
    site.add_accounts(2, quota=QUOTA)

    run = site.run("upload")

    assert run.status == 0, run.said
    assert site.arrived() == library
    assert run.finished["bytes"] == site.ledger_bytes() == 3 * QUOTA + 1000
    accounts = {event["name"]: event["account"] for event in run.of("file_transferred")}
    assert accounts["huge.mkv"] != accounts["small.mkv"]


def test_a_large_file_copied_in_parts_counts_as_transferred(site: LocalSite) -> None:
    size = 300_000_000
    with (site.source / "sparse.mkv").open("wb") as file:
        file.truncate(size)
    site.remote.update(upload_remote=f"disk:{site.cloud}", rclone_command="copy")
    site.add_accounts(1, quota="1G")

    run = site.run("upload")

    assert run.status == 0, run.said
    assert run.transferred == {"sparse.mkv": size}
    assert site.ledger_bytes() == size
    assert (site.cloud / "sparse.mkv").stat().st_size == size


# Quota that is used up


def test_used_up_quota_ends_with_what_is_left_and_when_it_goes_on(site: LocalSite) -> None:
    library = site.write_library(50, 3_000_000)
    site.add_accounts(2, quota=QUOTA)
    before = time.time()

    run = site.run("upload")

    assert run.status == 3, run.said
    left = contents(site.source)
    arrived = site.arrived()
    assert left | arrived == library
    assert left.keys() & arrived.keys() == set()
    assert run.finished["outcome"] == "quota_used"
    assert (run.finished["files_left"], run.finished["bytes_left"]) == (len(left), total_bytes(left))
    assert run.finished["bytes"] == run.transferred_bytes == site.ledger_bytes() == total_bytes(arrived)
    assert before + 86_400 <= run.finished["next_capacity_at"] <= time.time() + 86_400
    assert all(0.98 * QUOTA < record["bytes"] <= QUOTA for record in site.ledger().values())


def test_the_next_run_goes_on_once_quota_has_come_back(any_site: LocalSite) -> None:
    library = any_site.write_library(30, 1_900_000)
    any_site.add_accounts(1, quota=QUOTA, hours=0.0012)

    first = any_site.run("upload")
    assert first.status == 3, first.said
    time.sleep(max(0.0, first.finished["next_capacity_at"] - time.time()))
    second = any_site.run("upload")

    assert second.status == 0, second.said
    assert any_site.arrived() == library
    assert first.finished["bytes"] + second.finished["bytes"] == 1_900_000
    assert second.finished["files"] == first.finished["files_left"]


def test_before_quota_has_come_back_the_next_run_uploads_nothing(any_site: LocalSite) -> None:
    any_site.write("first", QUOTA)
    any_site.write("second", QUOTA)
    any_site.add_accounts(1, quota=QUOTA)
    first = any_site.run("upload")

    second = any_site.run("upload")

    assert (first.status, second.status) == (3, 3)
    assert second.of("file_transferred", "stage_started") == []
    assert second.finished["files_left"] == 1
    assert second.finished["next_capacity_at"] == pytest.approx(first.finished["next_capacity_at"], abs=1)


def test_upload_wait_goes_on_by_itself(any_site: LocalSite) -> None:
    for number in range(3):
        any_site.write(f"{number}.mkv", QUOTA)
    library = contents(any_site.source)
    any_site.add_accounts(1, quota=QUOTA, hours=0.0005)

    run = any_site.run("upload", "--wait")

    assert run.status == 0, run.said
    assert any_site.arrived() == library
    finished = run.of("session_finished")
    assert [event["outcome"] for event in finished] == ["quota_used", "quota_used", "done"]
    assert sum(event["bytes"] for event in finished) == run.transferred_bytes == 3 * QUOTA
    assert len({event["run_id"] for event in run.of("session_started", "session_finished")}) == 1
    kinds = [event["signal"] for event in run.of("uploader_suspended", "uploader_resumed", "stage_started")]
    assert kinds == ["stage_started", *["uploader_suspended", "uploader_resumed", "stage_started"] * 2]
    suspended, resumed = run.of("uploader_suspended"), run.of("uploader_resumed")
    for begin, end in zip(suspended, resumed, strict=True):
        assert begin["until"] == end["until"] <= end["at"]


def test_accounts_that_the_old_program_had_banned_stay_banned(any_site: LocalSite) -> None:
    any_site.write("file", 1000)
    any_site.add_accounts(2, quota=QUOTA)
    banned_until = time.time() + 3600
    bans = {str(any_site.accounts / "1.json"): banned_until, str(any_site.accounts / "2.json"): None}
    with closing(sqlite3.connect(any_site.root / "cache.db")) as cache:
        cache.execute("CREATE TABLE sa_bans (key TEXT PRIMARY KEY, value)")
        cache.execute("INSERT INTO sa_bans VALUES (?, ?)", (UPLOADER, json.dumps(bans)))
        cache.commit()

    run = any_site.run("upload")

    assert run.status == 0, run.said
    assert [event["account"] for event in run.of("file_transferred")] == ["2.json"]
    assert any_site.ledger()["1.json"]["denied_until"] == banned_until


# Several uploaders


def test_named_uploaders_are_the_only_ones_that_upload(any_site: LocalSite) -> None:
    other = any_site.root / "other"
    other.mkdir()
    (other / "file").write_bytes(b"other")
    any_site.write("file")
    any_site.config["remotes"]["other"] = {"upload_folder": str(other), "upload_remote": "vault:Other"}
    any_site.config["uploader"]["other"] = {}

    run = any_site.run("upload", "other")

    assert run.status == 0, run.said
    assert {event["uploader"] for event in run.events} == {"other"}
    assert contents(other) == {}
    assert len(contents(any_site.source)) == 1


def test_every_uploader_is_uploaded_one_after_the_other(any_site: LocalSite) -> None:
    other = any_site.root / "other"
    other.mkdir()
    (other / "file").write_bytes(b"other")
    any_site.write("file")
    any_site.config["remotes"]["other"] = {"upload_folder": str(other), "upload_remote": "vault:Other"}
    any_site.config["uploader"]["other"] = {}

    run = any_site.run("upload")

    assert run.status == 0, run.said
    assert [event["uploader"] for event in run.of("session_finished")] == [UPLOADER, "other"]
    assert contents(other) == contents(any_site.source) == {}


def test_an_uploader_that_cannot_begin_does_not_keep_the_others_from_it(any_site: LocalSite) -> None:
    other = any_site.root / "other"
    other.mkdir()
    (other / "file").write_bytes(b"other")
    any_site.write("file")
    any_site.config["remotes"]["other"] = {"upload_folder": str(other), "upload_remote": "vault:Other"}
    any_site.config["uploader"]["other"] = {}
    folder = os.open(any_site.source, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)

        run = any_site.run("upload")
    finally:
        os.close(folder)

    assert run.status == 1, run.said
    (line,) = run.stderr.splitlines()
    assert f"google: Failed: 0 files, 0 B uploaded; another upload is using the upload folder {any_site.source}" in line
    assert contents(other) == {}
    assert contents(any_site.source).keys() == {b"file"}


def test_accounts_that_two_uploaders_share_have_one_budget(any_site: LocalSite) -> None:
    other = any_site.root / "other"
    other.mkdir()
    (other / "file").write_bytes(bytes(600_000))
    any_site.write("file", 600_000)
    any_site.add_accounts(1, quota=QUOTA)
    any_site.config["remotes"]["other"] = {"upload_folder": str(other), "upload_remote": "vault:Other"}
    any_site.config["uploader"]["other"] = dict(any_site.uploader)

    run = any_site.run("upload")

    assert run.status == 3, run.said
    assert [(event["uploader"], event["outcome"]) for event in run.of("session_finished")] == [
        (UPLOADER, "done"),
        ("other", "quota_used"),
    ]
    assert (other / "file").exists()


def test_an_account_that_is_used_up_is_cooling_as_soon_as_another_takes_over(any_site: LocalSite) -> None:
    for name in ("one", "two"):
        any_site.write(name, 999_000)
    any_site.add_accounts(2, quota=1_000_000)

    run = any_site.run("upload")

    names = [(event["signal"], event.get("account") or event.get("current")) for event in run.events]
    place = names.index(("sa_switched", "2.json"))
    assert names[place + 1] == ("quota_changed", "1.json")
    assert run.events[place + 1]["state"] == "cooling"
