"""Other ways to upload: kinds of remotes, copy, dry run, filters."""

from __future__ import annotations

import os
import time

import pytest

from tests.integration.local_site import Contents, LocalSite, contents, total_bytes

pytestmark = pytest.mark.rclone

QUOTA = 1_000_000


def sizes_by_name(files: Contents) -> dict[str, int]:
    return {os.fsdecode(name): size for name, (size, _) in files.items()}


# Kinds of remotes


@pytest.mark.parametrize("kind", ["path", "local", "alias", "chunker", "union", "combine", "crypt of alias"])
def test_every_kind_of_remote_gets_everything(site: LocalSite, kind: str) -> None:
    library = site.write_library(20, 1_500_000)
    site.add_accounts(2, quota=QUOTA)
    site.add_remote("nick", type="alias", remote=str(site.cloud))
    site.add_remote("parts", type="chunker", remote=str(site.cloud), chunk_size="64Ki")
    site.add_remote("both", type="union", upstreams=f"{site.cloud} {site.root / 'second'}", create_policy="ff")
    site.add_remote("tree", type="combine", upstreams=f'"one={site.cloud}" "two={site.root / "second"}"')
    site.add_remote("secret", type="crypt", remote="nick:", password="yKyYmb7aJNcIrRdnFLFK2Y9c1TF9Ei8MMgKoBT4-lw0")
    (site.root / "second").mkdir()
    site.remote["upload_remote"] = {
        "path": str(site.cloud / "Media"),
        "local": f"disk:{site.cloud / 'Media'}",
        "alias": "nick:Media",
        "chunker": "parts:Media",
        "union": "both:Media",
        "combine": "tree:one/Media",
        "crypt of alias": "secret:Media",
    }[kind]

    run = site.run("upload")

    assert run.status == 0, run.said
    assert site.arrived() == library
    assert contents(site.source) == {}
    assert run.transferred == sizes_by_name(library)
    assert run.finished["bytes"] == run.transferred_bytes == site.ledger_bytes() == 1_500_000


# The oldest file


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Pacific/Kiritimati", "America/Los_Angeles"])
def test_the_oldest_file_is_told_with_its_exact_time_in_every_zone(site: LocalSite, zone: str) -> None:
    # The night in which Berlin's clocks went back, and names that rclone shows otherwise; one has no time at all.
    changed = {b"none": 0, b"new": 1_761_500_000, b"Show\n/old \xff": 1_761_438_600, b"later": 1_761_450_000}
    for name, at in changed.items():
        os.utime(site.write(name), (at, at))

    run = site.run("upload", environment=site.environment(TZ=zone))

    assert run.status == 0, run.said
    (learned,) = run.of("queue_learned")
    assert learned["distribution"]["oldest_modified_at"] == 1_761_438_600
    assert learned["distribution"]["oldest_file"] == "Show\u240a/old \ufffd"


def test_the_oldest_file_of_a_copy_is_one_that_the_cloud_does_not_have(site: LocalSite) -> None:
    for age, name in enumerate(("newest", "middle", "oldest")):
        os.utime(site.write(name), (1_700_000_000 - age, 1_700_000_000 - age))
    site.remote["rclone_command"] = "copy"
    site.remote["rclone_excludes"] = ["newest", "middle"]
    site.run("upload")
    site.remote["rclone_excludes"] = []

    (learned,) = site.run("upload").of("queue_learned")

    assert learned["distribution"]["oldest_file"] == "middle"
    assert learned["distribution"]["oldest_modified_at"] == 1_699_999_999


# Copy


def test_a_copy_leaves_the_source_and_does_nothing_the_second_time(site: LocalSite) -> None:
    library = site.write_library(40, 1_800_000)
    site.add_accounts(3, quota=QUOTA)
    site.remote["rclone_command"] = "copy"

    first = site.run("upload")

    assert first.status == 0, first.said
    assert contents(site.source) == library == site.arrived()
    assert first.transferred == sizes_by_name(library)
    assert first.finished["bytes"] == site.ledger_bytes() == 1_800_000
    assert first.finished["files_left"] == 0

    second = site.run("upload")

    assert second.status == 0, second.said
    assert second.of("stage_started", "file_transferred") == []
    assert (second.finished["outcome"], second.finished["files"], second.finished["bytes"]) == ("done", 0, 0)
    assert site.ledger_bytes() == 1_800_000


def test_a_copy_takes_only_what_is_new_or_changed(site: LocalSite) -> None:
    site.write_library(10, 100_000)
    site.remote["rclone_command"] = "copy"
    site.run("upload")
    site.write("new", 111)
    changed = next(path for path in site.source.rglob("*.mkv") if path.stat().st_size > 0)
    changed.write_bytes(b"changed")

    run = site.run("upload")

    assert run.status == 0, run.said
    assert run.transferred == {"new": 111, str(changed.relative_to(site.source)): 7}
    assert site.arrived() == contents(site.source)


def test_a_copy_with_too_little_quota_counts_only_what_is_missing_as_left(site: LocalSite) -> None:
    for number in range(4):
        site.write(f"{number}", 400_000)
    site.add_accounts(1, quota=QUOTA)
    site.remote["rclone_command"] = "copy"

    run = site.run("upload")

    assert run.status == 3, run.said
    assert (run.finished["files"], run.finished["files_left"]) == (2, 2)
    assert run.finished["bytes_left"] == 800_000
    assert len(contents(site.source)) == 4


# What is there already


def test_files_that_the_cloud_has_leave_the_source_and_cost_nothing(site: LocalSite) -> None:
    site.write_library(10, 200_000)
    site.add_accounts(1, quota=QUOTA)
    site.ask_rclone("copy", str(site.source), "vault:Media")
    library = contents(site.source)
    site.write("new", 5000)

    run = site.run("upload")

    assert run.status == 0, run.said
    assert contents(site.source) == {}
    assert run.finished["bytes"] == run.transferred_bytes == total_bytes(library) + 5000
    already = {event["name"] for event in run.of("file_transferred") if event["already_there"]}
    assert already == sizes_by_name(library).keys()
    assert site.ledger_bytes() == 5000


# Dry run


@pytest.mark.parametrize("command", ["move", "copy"])
def test_a_dry_run_moves_nothing_and_charges_nothing(site: LocalSite, command: str) -> None:
    library = site.write_library(40, 1_800_000)
    site.add_accounts(3, quota=QUOTA)
    site.remote.update(rclone_command=command, remove_empty_dir_depth=1)
    site.config["core"]["dry_run"] = True
    (site.source / "empty").mkdir()

    run = site.run("upload")

    assert run.status == 0, run.said
    assert contents(site.source) == library
    assert contents(site.cloud) == {}
    assert (site.source / "empty").is_dir()
    assert all(record["bytes"] == 0 for record in site.ledger().values())
    assert run.events[0]["dry_run"] is True
    assert run.of("file_transferred", "file_failed") == []
    assert (run.finished["files"], run.finished["bytes"]) == (0, 0)
    assert sum(event["planned_bytes"] for event in run.of("stage_started")) == 1_800_000


# Filters


def test_filters_mean_what_they_mean_in_rclone(site: LocalSite) -> None:
    for name in ("keep.mkv", "deep/er/keep.mkv", "skip.nfo", "partial~", "a/partial~", "unwanted/keep.mkv", "b/x.tmp"):
        site.write(name)
    site.write("large.mkv", 50_000)
    site.remote["rclone_excludes"] = ["**partial~", "unwanted/**"]
    site.extras.update({"--exclude": "*.nfo", "--max-size": "40k", "--filter": "- *.tmp"})

    run = site.run("upload")

    assert run.status == 0, run.said
    assert run.transferred.keys() == {"keep.mkv", "deep/er/keep.mkv"}
    assert run.finished["files_left"] == 0
    assert {os.fsdecode(name) for name in contents(site.source)} == {
        "skip.nfo",
        "partial~",
        "a/partial~",
        "unwanted/keep.mkv",
        "b/x.tmp",
        "large.mkv",
    }


def test_young_files_wait(site: LocalSite) -> None:
    old = site.write("old")
    site.write("young")
    hour_ago = time.time() - 3600
    os.utime(old, (hour_ago, hour_ago))
    site.extras["--min-age"] = "15m"

    run = site.run("upload")

    assert run.status == 0, run.said
    assert run.transferred.keys() == {"old"}
    assert contents(site.source).keys() == {b"young"}


def test_filters_from_a_file_are_used(site: LocalSite) -> None:
    site.write("wanted/file")
    site.write("other/file")
    rules = site.root / "rules"
    rules.write_text("+ /wanted/**\n- *\n", encoding="utf-8")
    site.extras["--filter-from"] = str(rules)

    run = site.run("upload")

    assert run.status == 0, run.said
    assert run.transferred.keys() == {"wanted/file"}


def test_symbolic_links_are_left_alone_unless_they_are_to_be_followed(site: LocalSite) -> None:
    outside = site.root / "outside"
    outside.write_bytes(b"linked content")
    (site.source / "link").symlink_to(outside)
    site.write("file")

    skipping = site.run("upload")
    assert skipping.status == 0, skipping.said
    assert skipping.transferred.keys() == {"file"}

    site.extras["--copy-links"] = None
    following = site.run("upload")
    assert following.status == 0, following.said
    assert following.transferred == {"link": 14}
    assert outside.read_bytes() == b"linked content"


# Empty folders


def test_folders_that_an_upload_leaves_empty_are_removed_from_the_given_depth_on(site: LocalSite) -> None:
    site.write("Show/Season 1/file")
    (site.source / "downloads").mkdir()
    site.remote["remove_empty_dir_depth"] = 2

    run = site.run("upload")

    assert run.status == 0, run.said
    assert sorted(path.name for path in site.source.rglob("*")) == ["Show", "downloads"]


# Settings of rclone in the environment


def test_variables_that_silence_rclone_do_no_harm(site: LocalSite) -> None:
    site.write("file", 1000)
    site.add_accounts(1, quota=QUOTA)
    silence = {
        "RCLONE_LOG_FILE": "/dev/null",
        "RCLONE_LOG_LEVEL": "ERROR",
        "RCLONE_QUIET": "true",
        "RCLONE_VERBOSE": "2",
        "RCLONE_PROGRESS": "true",
        "RCLONE_STATS": "0",
        "RCLONE_STATS_ONE_LINE": "true",
        "RCLONE_INTERACTIVE": "true",
        "RCLONE_ERROR_ON_NO_TRANSFER": "true",
    }

    run = site.run("upload", environment=site.environment(**silence))

    assert run.status == 0, run.said
    assert run.transferred == {"file": 1000}
    assert site.ledger_bytes() == 1000


def test_filters_in_the_environment_are_heeded(site: LocalSite) -> None:
    site.write("file.mkv", 1000)
    site.write("file.nfo", 10)

    for command in ("copy", "move"):
        site.remote["rclone_command"] = command
        run = site.run("upload", environment=site.environment(RCLONE_EXCLUDE="*.nfo"))

        assert run.status == 0, run.said
        assert run.transferred == {"file.mkv": 1000}
    assert contents(site.source).keys() == {b"file.nfo"}


def test_other_settings_in_the_environment_stay(any_site: LocalSite) -> None:
    site = any_site
    site.write("file.mkv", 1000)
    site.config["core"]["rclone_config_path"] = None

    run = site.run("upload", environment=site.environment(RCLONE_CONFIG=str(site.root / "rclone.conf")))

    assert run.status == 0, run.said
    assert run.transferred == {"file.mkv": 1000}


@pytest.mark.parametrize("value", ["true", "1"])
def test_a_dry_run_in_the_environment_is_refused_rather_than_passed_over(any_site: LocalSite, value: str) -> None:
    any_site.write("file")

    run = any_site.run("upload", environment=any_site.environment(RCLONE_DRY_RUN=value))

    assert run.status == 2, run.said
    assert "environment variable RCLONE_DRY_RUN: a dry run covers the whole program" in run.stderr
    assert contents(any_site.source).keys() == {b"file"}
