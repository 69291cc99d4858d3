"""Configurations of older installations, and the ways they are started: they plan and upload with the real rclone."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from cloudplow.config.sample import sample_text
from tests.integration.local_site import DEADLINE_SECONDS, REPOSITORY, LocalSite, Run, contents
from tests.unit.config.old_configurations import WHOLE, whole

pytestmark = pytest.mark.rclone

CLOUDPLOW: Final = (sys.executable, "-m", "cloudplow")


def call(
    site: LocalSite, *words: str, program: Sequence[str] = CLOUDPLOW, cwd: Path | None = None, **environment: str
) -> Run:
    """Call the program as it is written: without a `--config` before the command."""
    done = subprocess.run(
        [*program, *words],
        env=site.environment(**environment),
        cwd=cwd or site.root,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )
    assert "Traceback" not in done.stdout + done.stderr
    return Run(done.returncode, done.stdout, done.stderr)


def settle(site: LocalSite, document: dict[str, Any]) -> str:
    """Make an old configuration that of a site: only its paths change. Returns the name of its first uploader."""
    name: str = next(iter(document["uploader"]))
    document["core"].update(rclone_binary_path=str(site.rclone), rclone_config_path=str(site.root / "rclone.conf"))
    document["remotes"][name].update(upload_folder=str(site.source), upload_remote="vault:Media")
    site.config = document
    for holder in (document["remotes"][name], document["uploader"][name]):
        if holder.get("service_account_path"):
            holder["service_account_path"] = str(site.accounts)
            site.accounts.mkdir(exist_ok=True)
            key = {"type": "service_account", "client_email": "1@pool.invalid"}
            (site.accounts / "1.json").write_text(json.dumps(key), encoding="utf-8")
    site.save()
    return name


@pytest.mark.parametrize("name", WHOLE)
def test_an_old_configuration_starts_plans_and_uploads(any_site: LocalSite, name: str) -> None:
    uploader = settle(any_site, whole(name))
    any_site.write("Show/one.mkv", 3000)
    any_site.write("two.mkv", 2000)
    config = str(any_site.config_path)

    plan = call(any_site, "plan", "--json", "--config", config)
    assert plan.status == 0, plan.said
    assert json.loads(plan.stdout)[uploader]["queue_files"] == 2

    upload = call(any_site, "upload", "--loglevel=DEBUG", f"--config={config}")
    assert upload.status == 0, upload.said
    assert contents(any_site.source) == {}
    assert len(contents(any_site.cloud)) == 2
    for line in plan.stderr.splitlines():
        assert upload.stdout.count(line) == 1


def test_options_after_the_command_win_over_those_before_and_over_the_environment(any_site: LocalSite) -> None:
    any_site.write("one.mkv")
    any_site.save()
    elsewhere = any_site.root / "state"
    elsewhere.mkdir()

    run = call(
        any_site,
        "--logfile",
        str(any_site.root / "before.log"),
        "upload",
        "--logfile",
        str(any_site.root / "after.log"),
        "--cachefile",
        str(elsewhere / "cache.db"),
        "--loglevel",
        "debug",
        "google",
        CLOUDPLOW_CONFIG=str(any_site.config_path),
        CLOUDPLOW_LOGFILE=str(any_site.root / "environment.log"),
        CLOUDPLOW_LOGLEVEL="WARN",
    )

    assert run.status == 0, run.said
    assert sorted(path.name for path in any_site.root.glob("*.log")) == ["after.log"]
    assert (elsewhere / "cloudplow.db").exists()
    assert not (any_site.root / "cloudplow.db").exists()


def test_the_script_of_old_is_the_same_program_and_finds_the_configuration_of_the_user(any_site: LocalSite) -> None:
    any_site.write("one.mkv")
    any_site.save()
    place = any_site.root / ".config" / "cloudplow" / "config.json"
    place.parent.mkdir(parents=True)
    place.write_text(any_site.config_path.read_text(), encoding="utf-8")
    (any_site.root / "elsewhere").mkdir()

    script = (sys.executable, str(REPOSITORY / "cloudplow.py"))
    run = call(any_site, "upload", program=script, cwd=any_site.root / "elsewhere")

    assert run.status == 0, run.said
    assert contents(any_site.source) == {}
    assert (place.parent / "cloudplow.log").exists()
    assert list((any_site.root / "elsewhere").iterdir()) == []


@pytest.mark.parametrize("command", ["plan", "check", "accounts", "healthcheck", "dashboard"])
def test_a_command_that_changes_nothing_writes_no_sample(any_site: LocalSite, tmp_path: Path, command: str) -> None:
    (tmp_path / "home").mkdir()

    run = call(any_site, command, cwd=tmp_path / "home", HOME=str(tmp_path / "home"))

    assert run.status == 2, run.said
    assert f"no configuration found in {tmp_path}/home/config.json, " in run.stderr
    assert "name one with --config" in run.stderr
    assert list((tmp_path / "home").iterdir()) == []


@pytest.mark.parametrize("command", ["upload", "run", "update_config"])
def test_a_command_that_changes_something_writes_a_sample_where_it_is_looked_for(
    any_site: LocalSite, tmp_path: Path, command: str
) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "here").mkdir()
    place = tmp_path / "home" / ".config" / "cloudplow" / "config.json"

    run = call(any_site, command, "--loglevel=INFO", cwd=tmp_path / "here", HOME=str(tmp_path / "home"))

    assert run.status == 2, run.said
    assert f"{place}: did not exist, so a sample was written; edit it and start again" in run.stderr
    assert place.read_text(encoding="utf-8") == sample_text()
    assert list((tmp_path / "here").iterdir()) == []


def test_what_one_uploader_lacks_does_not_stop_the_others(any_site: LocalSite) -> None:
    any_site.write("one.mkv")
    any_site.config["remotes"]["other"] = {"upload_folder": "/no/such/folder", "upload_remote": "nowhere:"}
    any_site.config["uploader"] = {"other": {}, **any_site.config["uploader"]}

    plan, check, upload = (any_site.run(command) for command in ("plan", "check", "upload"))

    assert plan.status == 0 and "google: 1 file" in plan.stdout, plan.said
    assert check.status == 0 and "warning remotes.other.upload_folder: " in check.stdout, check.said
    assert any_site.run("check", "--strict").status == 2
    assert upload.status == 1, upload.said
    assert contents(any_site.source) == {}
    assert 'rclone has no remote "nowhere"' in upload.stderr


def test_an_uploader_that_is_left_out_is_refused_when_it_is_named(any_site: LocalSite) -> None:
    any_site.write("one.mkv")
    any_site.config["uploader"]["gone"] = {}

    assert any_site.run("upload", "gone").status == 2
    run = any_site.run("upload")
    assert run.status == 0, run.said
    assert 'so the uploader "gone" is left out, and the others go on' in run.stdout


@pytest.mark.parametrize(
    ("command", "ending", "statuses"),
    [
        ("upload", ">&-", (0,)),
        ("upload", ">/dev/full", (0, 1)),
        ("plan", "<&- >&- 2>&-", (0,)),
        ("plan", ">/dev/full", (1,)),
        ("check", "2>&-", (0,)),
    ],
)
def test_output_that_is_closed_or_full_is_no_traceback(
    any_site: LocalSite, command: str, ending: str, statuses: tuple[int, ...]
) -> None:
    any_site.write("one.mkv")
    any_site.save()
    words = [*CLOUDPLOW, command, "--config", str(any_site.config_path)]

    run = call(any_site, *words, program=("/bin/sh", "-c", f'exec "$@" {ending}', "sh"))

    assert run.status in statuses, run.said
    assert "Exception ignored" not in run.stderr and "Logging error" not in run.stderr
    assert json.loads(any_site.config_path.read_text()) == any_site.config
    assert (contents(any_site.source) == {}) == (command == "upload")


def test_a_dashboard_section_of_the_wrong_kind_is_told_to_who_asks_for_health(any_site: LocalSite) -> None:
    any_site.config.update(plugins=["cloudplow_dashboard"], dashboard="x")

    run = any_site.run("healthcheck")

    assert run.status == 1, run.said
    assert "Traceback" not in run.said
    assert 'dashboard: must be an object, for example {"name": "value"} (found "x"), so there is no' in run.stderr
