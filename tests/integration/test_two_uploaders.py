"""Two uploaders in one upload, each with a folder and accounts of its own."""

from __future__ import annotations

from pathlib import Path

from cloudplow import events
from cloudplow.app import App
from cloudplow.events import SessionOutcome
from tests.fake_drive import FakeDrive
from tests.harness.drive_upload import UPLOADER, make_site, recorded, write_files


def test_quota_that_comes_back_to_one_that_is_done_is_told_while_the_other_uploads(
    modern_rclone: Path, tmp_path: Path
) -> None:
    with FakeDrive(tmp_path, accounts=2) as drive:
        site = make_site(tmp_path / "site", drive, modern_rclone, quota_bytes=10_000_000, quota_hours=2 / 3600)
        keys, source = site.root / "other keys", site.root / "other source"
        for folder in (keys, source):
            folder.mkdir()
        drive.key_file(2).rename(keys / "2.json")
        remote = site.config["remotes"][UPLOADER]
        site.config["remotes"]["films"] = remote | {"upload_folder": str(source), "upload_remote": "gdrive:Films"}
        site.config["uploader"]["films"] = site.config["uploader"][UPLOADER] | {"service_account_path": str(keys)}
        site.config["core"]["max_parallel_uploads"] = 2
        remote["rclone_extras"] = {"--bwlimit": "300k", "--drive-chunk-size": "256k"}
        site.save()
        write_files(site.source, [900_000])
        write_files(source, [1000])
        with recorded() as seen, App(site.config_path, site.root, environ={}) as app:
            finished = app.upload_tasks(app.tasks([]))
            app.bus.flush()

    told = [one for one in seen.events if one.uploader == "films"]
    end = next(place for place, one in enumerate(told) if isinstance(one, events.SessionFinished))
    later = [(one.account, one.used_bytes) for one in told[end:] if isinstance(one, events.QuotaChanged)]
    assert [one.outcome for one in finished] == [SessionOutcome.DONE] * 2
    assert later == [("2.json", 0)]


def test_quota_that_comes_back_while_the_folder_is_listed_is_told_before_the_listing_ends(
    modern_rclone: Path, tmp_path: Path
) -> None:
    slow = tmp_path / "rclone"
    slow.write_text(
        f'#!/bin/sh\ncase " $* " in *" lsf "*) [ ! -e {tmp_path}/slow ] || sleep 5 ;; esac\nexec {modern_rclone} "$@"\n'
    )
    slow.chmod(0o755)
    with FakeDrive(tmp_path, accounts=2) as drive:
        site = make_site(tmp_path / "site", drive, slow, quota_bytes=1_000_000, quota_hours=3 / 3600)
        # What stays makes the last listing necessary.
        site.config["remotes"][UPLOADER]["rclone_excludes"] = ["*.nfo"]
        site.save()
        write_files(site.source, [900_000, 900_000])
        (site.source / "stays.nfo").write_text("x")
        with recorded() as seen, App(site.config_path, site.root, environ={}) as app:

            def slow_from_now_on(_sender: str, **_event: object) -> None:
                (tmp_path / "slow").touch()

            with events.stage_started.connected_to(slow_from_now_on):
                app.upload_tasks(app.tasks([]))
            app.bus.flush()

    last_listing = max(place for place, one in enumerate(seen.events) if isinstance(one, events.StageFinished))
    later = seen.events[last_listing + 1 :]
    told = next(one for one in later if isinstance(one, events.QuotaChanged) and one.used_bytes == 0)
    end = next(one for one in later if isinstance(one, events.SessionFinished))
    assert told.account == "1.json"
    assert end.at - told.at > 1
