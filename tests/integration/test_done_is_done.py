"""A session says "done" only if nothing is left, and tells truly what is there."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from cloudplow.upload.ending import ROUNDS_LIMIT
from tests.integration.fake_rclone import write_program
from tests.integration.local_site import LocalSite, contents

MOVE = "for name in names:\n    take(name)\n    say(told(name))\n"


@pytest.fixture
def fake_site(tmp_path: Path) -> LocalSite:
    site = LocalSite(tmp_path / "site", tmp_path / "rclone")
    site.remote["upload_remote"] = "cloud:"
    return site


# Another folder in its place

SWAPS = {
    "another one": "os.rename(source, source + '.old'); os.mkdir(source)",
    "none": "os.rename(source, source + '.old')",
    "a link to another one": "os.rename(source, source + '.old'); os.symlink({cloud!r}, source)",
}


@pytest.mark.parametrize("swap", SWAPS.values(), ids=SWAPS)
def test_folder_that_is_exchanged_while_it_is_uploaded_is_a_failure(fake_site: LocalSite, swap: str) -> None:
    for number in range(10):
        fake_site.write(f"file {number}")
    body = f"take(names[0])\nsay(told(names[0]))\n{swap.format(cloud=str(fake_site.cloud))}\n"
    write_program(fake_site, body)

    run = fake_site.run("upload")

    assert run.status == 1, run.said
    assert (run.finished["outcome"], run.finished["files"], run.finished["files_left"]) == ("failed", 1, 9)
    assert f"the upload folder {fake_site.source}" in run.finished["reason"]
    assert len(contents(Path(f"{fake_site.source}.old"))) == 9
    assert len(run.of("stage_started")) == 1


@pytest.mark.parametrize("where", ["", "Disk"])
def test_disk_that_is_lazily_unmounted_while_it_is_uploaded_is_a_failure(fake_site: LocalSite, where: str) -> None:
    place = fake_site.source / where
    place.mkdir(exist_ok=True)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "none", place], capture_output=True, check=False)
    if mounted.returncode != 0:
        pytest.skip("only root may mount a file system")
    try:
        for number in range(10):
            fake_site.write(f"{where}/file {number}".lstrip("/"))
        # Not a rename: the cloud is on another disk.
        body = "import shutil, subprocess\nname = names[0]\n"
        body += f"shutil.move(os.path.join(source, name), {str(fake_site.cloud)!r})\n"
        body += f"say(told(name))\nsubprocess.run(['umount', '-l', {str(place)!r}], check=True)\n"
        write_program(fake_site, body)

        run = fake_site.run("upload")
    finally:
        subprocess.run(["umount", "-l", place], capture_output=True, check=False)

    assert run.status == 1, run.said
    assert (run.finished["outcome"], run.finished["files"], run.finished["files_left"]) == ("failed", 1, 9)


def test_empty_folders_of_another_folder_are_not_removed(fake_site: LocalSite) -> None:
    fake_site.write("file")
    fake_site.remote["remove_empty_dir_depth"] = 1
    write_program(fake_site, "os.rename(source, source + '.old'); os.makedirs(source + '/not ours')")

    assert fake_site.run("upload").status == 1
    assert (fake_site.source / "not ours").is_dir()


def test_files_that_vanish_from_the_same_folder_are_no_fault(fake_site: LocalSite) -> None:
    for number in range(4):
        fake_site.write(f"file {number}")
    write_program(
        fake_site, f"for name in names[2:]:\n    os.unlink(os.path.join(source, name))\nnames = names[:2]\n{MOVE}"
    )

    run = fake_site.run("upload")

    assert run.status == 0, run.said
    assert (run.finished["outcome"], run.finished["files"], run.finished["files_left"]) == ("done", 2, 0)


# What comes meanwhile

COMES = "for name in names:\n    open(os.path.join(source, 'after ' + name), 'w').write('new')\n"


def test_what_comes_during_the_last_stage_goes_too(fake_site: LocalSite) -> None:
    fake_site.write("file")
    write_program(fake_site, f"if names == ['file']:\n    open(source + '/late', 'w').write('new')\n{MOVE}")

    run = fake_site.run("upload")

    assert run.status == 0, run.said
    assert run.transferred == {"file": 1000, "late": 3}
    assert (run.finished["outcome"], run.finished["files_left"]) == ("done", 0)


def test_session_ends_although_files_keep_coming_and_tells_what_is_left(fake_site: LocalSite) -> None:
    fake_site.write("file")
    write_program(fake_site, COMES + MOVE)

    run = fake_site.run("upload")

    assert run.status == 3, run.said
    assert len(run.of("stage_started")) == ROUNDS_LIMIT + 1
    assert (run.finished["outcome"], run.finished["files_left"]) == ("suspended", 1)
    assert "1 file came while the others went" in run.finished["reason"]
    assert len(contents(fake_site.source)) == 1


def test_what_is_left_is_counted_after_the_last_stage_when_the_quota_is_used_up(fake_site: LocalSite) -> None:
    fake_site.write("file", 90)
    fake_site.add_accounts(1, quota=100)
    write_program(
        fake_site, f"for number in range(5):\n    open(f'{{source}}/{{number}}', 'w').write('x' * 50)\n{MOVE}"
    )

    run = fake_site.run("upload")

    assert run.status == 3, run.said
    assert (run.finished["outcome"], run.finished["files_left"], run.finished["bytes_left"]) == ("quota_used", 5, 250)
    assert "5 files came since the last stage began" in run.finished["reason"]


def test_what_is_left_after_a_failure_is_what_is_there(fake_site: LocalSite) -> None:
    fake_site.write("file")
    unknown = "say('Error: unknown flag: --nonsense\\n'); sys.exit(2)"
    write_program(fake_site, f"open(source + '/late', 'w').write('new')\n{unknown}")

    run = fake_site.run("upload")

    assert run.status == 1, run.said
    assert run.finished["files_left"] == 2


@pytest.mark.rclone
def test_files_that_are_too_young_are_told_of(any_site: LocalSite) -> None:
    old = any_site.write("old")
    os.utime(old, (1_700_000_000, 1_700_000_000))
    any_site.write("young")
    any_site.extras["--min-age"] = "15m"

    run = any_site.run("upload")

    assert run.status == 0, run.said
    assert run.transferred.keys() == {"old"}
    assert "1 file younger than 15m waits" in run.finished["reason"]


# Files that rclone keeps on purpose


@pytest.mark.rclone
def test_file_that_rclone_is_told_to_keep_ends_quietly(site: LocalSite) -> None:
    site.remote["upload_remote"] = "plain:Media"
    site.write("same name", 1000)
    assert site.run("upload").status == 0
    site.source.joinpath("same name").write_bytes(b"another content")
    site.write("other")
    site.extras["--ignore-existing"] = None

    run = site.run("upload")

    assert run.status == 0, run.said
    assert run.transferred.keys() == {"other"}
    assert len(run.of("stage_started")) == 1
    assert (run.finished["outcome"], run.finished["files_left"]) == ("done", 1)
    assert "1 file stays" in run.finished["reason"]
    assert "--ignore-existing" in run.finished["reason"]
    assert (site.source / "same name").read_bytes() == b"another content"


# Uploaders that cannot begin


def test_uploader_that_cannot_begin_is_told_as_a_session_that_failed(fake_site: LocalSite) -> None:
    fake_site.write("file")
    write_program(fake_site, MOVE)
    shutil.rmtree(fake_site.source)

    run = fake_site.run("upload")

    assert run.status == 2, run.said
    assert run.finished["outcome"] == "failed"
    assert "does not exist" in run.finished["reason"]
    assert "does not exist" in run.stdout


def test_uploader_that_cannot_begin_does_not_stop_the_others(fake_site: LocalSite) -> None:
    fake_site.write("file")
    write_program(fake_site, MOVE)
    fake_site.config["remotes"]["broken"] = {**fake_site.remote, "upload_folder": str(fake_site.root / "nowhere")}
    fake_site.config["uploader"] = {"broken": {}, **fake_site.config["uploader"]}

    run = fake_site.run("upload")

    assert run.status == 1, run.said
    ends = {event["uploader"]: (event["outcome"], event["files"]) for event in run.of("session_finished")}
    assert ends == {"broken": ("failed", 0), "google": ("done", 1)}


def test_upload_beside_a_running_one_is_told_and_leaves_its_record_alone(fake_site: LocalSite) -> None:
    fake_site.write("file")
    write_program(fake_site, MOVE)
    (fake_site.root / "stages").mkdir()
    record = fake_site.root / "dashboard_session_state.json"
    record.write_text('{"active": true, "uploader": "google", "session_start_time": 5}', encoding="utf-8")
    before = record.read_bytes()
    held = os.open(fake_site.root / "stages", os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        run = fake_site.run("upload")
    finally:
        os.close(held)

    assert run.status == 1, run.said
    assert (run.finished["uploader"], run.finished["outcome"]) == ("google", "failed")
    assert "another upload is using" in run.finished["reason"]
    assert "another upload is using" in run.stdout
    assert record.read_bytes() == before


@pytest.mark.parametrize("accounts", [0, 2])
def test_trigger_with_hardly_any_pause_does_not_restart_rclone_for_ever(fake_site: LocalSite, accounts: int) -> None:
    fake_site.shorten_pauses()
    fake_site.write("file", 100)
    if accounts:
        fake_site.add_accounts(accounts, quota=1000)
    fake_site.remote["rclone_sleeps"] = {" 0/s,": {"count": 1, "timeout": 60, "sleep": 1e-9}}
    stuck = {"level": "info", "msg": " * file: 0% / 100, 0 B/s, -", "stats": {"bytes": 0}}
    write_program(fake_site, f"say({json.dumps(stuck)!r} + '\\n')\ntime.sleep(30)")

    run = fake_site.run("upload")

    assert run.status in (1, 3), run.said
    assert 1 <= len(run.of("stage_started")) <= 5
    assert {event["outcome"] for event in run.of("stage_finished")} == {"triggered"}
    assert run.finished["files_left"] == 1
