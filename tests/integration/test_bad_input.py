"""Whatever is wrong with the user's input: one clear line for each fault, saying what to do, and no file lost."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.local_site import LocalSite, Run, contents

pytestmark = pytest.mark.rclone


@pytest.fixture
def broken(any_site: LocalSite) -> Iterator[LocalSite]:
    """A site with files; whatever a test breaks, they must all be there afterwards."""
    any_site.write("Show/one.mkv")
    any_site.write("two.mkv", 5000)
    before = contents(any_site.source)
    yield any_site
    assert contents(any_site.source) == before
    assert contents(any_site.cloud) == {}


def assert_refused(run: Run, *faults: str, status: int = 2) -> None:
    """Exactly these faults, each in a line of its own on standard error, and nothing but them."""
    assert run.status == status, run.said
    assert "Traceback" not in run.stdout + run.stderr
    lines = run.stderr.splitlines()
    assert len(lines) == len(faults), run.said
    for line, fault in zip(lines, faults, strict=True):
        assert line.startswith("cloudplow: ")
        assert fault in line
    assert run.of("stage_started") == []


def write_program(site: LocalSite, text: str) -> str:
    path = site.root / "program"
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
    return str(path)


# The configuration


def run_with(path: Path, site: LocalSite) -> Run:
    command = [sys.executable, "-m", "cloudplow", "--config", str(path), "upload"]
    done = subprocess.run(
        command, env=site.environment(), cwd=site.root, capture_output=True, text=True, timeout=30, check=False
    )
    return Run(done.returncode, done.stdout, done.stderr)


def test_a_missing_configuration_is_written_as_a_sample(broken: LocalSite) -> None:
    path = broken.root / "new" / "config.json"
    path.parent.mkdir()

    run = run_with(path, broken)

    assert_refused(run, f"{path}: did not exist, so a sample was written; edit it and start again")
    assert {"remotes", "uploader"} <= json.loads(path.read_text(encoding="utf-8")).keys()


def test_a_sample_that_cannot_be_written_is_a_fault(broken: LocalSite) -> None:
    assert_refused(run_with(broken.root / "nowhere" / "config.json", broken), "nowhere/config.json")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "config.json: is empty"),
        ('{"core": {,}}', "config.json: line 1, column 11: a key in double quotes is missing here"),
        ('{\n "core": {}\n "remotes": {}\n}', "config.json: line 3, column 2: a comma is missing here"),
        ("[]", "config.json"),
        ('{"core": {}, "core": {}}', "core: appears twice, in line 1 and again in line 1, column 14"),
    ],
)
def test_malformed_json_is_shown_with_its_place(broken: LocalSite, text: str, fault: str) -> None:
    path = broken.root / "config.json"
    path.write_text(text, encoding="utf-8")

    assert_refused(run_with(path, broken), fault)


def test_bytes_that_are_no_text_are_a_fault(broken: LocalSite) -> None:
    path = broken.root / "config.json"
    path.write_bytes(b"\xff\xfe\x00{")

    assert_refused(run_with(path, broken), "config.json")


def test_a_folder_in_the_place_of_the_configuration_is_a_fault(broken: LocalSite) -> None:
    path = broken.root / "folder.json"
    path.mkdir()

    assert_refused(run_with(path, broken), "folder.json")


def test_all_faults_of_a_configuration_are_shown_at_once(broken: LocalSite) -> None:
    broken.config["core"]["dry_run"] = "maybe"
    broken.uploader["check_interval"] = 0
    broken.uploader["schedule"] = {"enabled": True, "allowed_from": "25:00", "allowed_until": "08:00"}
    broken.uploader["account_quota"] = "a lot"
    broken.config["uploader"]["gogle"] = {}

    assert_refused(
        broken.run("upload"),
        'core.dry_run: must be true or false (found "maybe")',
        "uploader.google.account_quota: must be a size above zero, as rclone writes it",
        'uploader.gogle: "gogle" is not a name under "remotes" (known: "google"); rename it, or add the remote',
        "warning: uploader.google.check_interval: must be greater than 0 (found 0), so the default",
        "warning: uploader.google.schedule.allowed_from: must be a time of day in the form HH:MM",
    )


def test_flags_that_would_change_an_upload_are_refused(broken: LocalSite) -> None:
    broken.extras.update({"--files-from": "list", "--dry-run": None, "--log-file": "/tmp/log"})

    assert_refused(
        broken.run("upload"),
        "remotes.google.rclone_extras.--files-from: cloudplow lists the files of every stage itself",
        "remotes.google.rclone_extras.--dry-run: a dry run covers the whole program; set core.dry_run instead",
        "warning: remotes.google.rclone_extras.--log-file: cloudplow reads what rclone logs, so it is taken out",
    )


def test_an_unknown_uploader_is_named_together_with_the_known_ones(broken: LocalSite) -> None:
    assert_refused(
        broken.run("upload", "googel", "google", "x\ny"),
        'there is no uploader "googel"; the configuration has: google',
        'there is no uploader "x\\ny"; the configuration has: google',
    )


def test_a_configuration_without_uploaders_is_a_fault(broken: LocalSite) -> None:
    broken.config["uploader"] = {}

    assert_refused(broken.run("upload"), "uploader: must have at least one entry, with the name of a remote")


# What the configuration names


def test_everything_that_an_upload_lacks_is_shown_at_once(broken: LocalSite) -> None:
    broken.remote.update(upload_folder=str(broken.root / "no folder"), upload_remote="nowhere:x")
    broken.uploader["service_account_path"] = str(broken.root / "no accounts")

    assert_refused(
        broken.run("upload"),
        f'remotes.google.upload_folder: "{broken.root}/no folder" does not exist; create it, or correct the path',
        'remotes.google.upload_remote: rclone has no remote "nowhere" (known: "disk", "plain", "vault"); add it',
        f'uploader.google.service_account_path: the folder "{broken.root}/no accounts" cannot be read',
    )


@pytest.mark.parametrize("command", ["upload", "plan", "check"])
def test_a_destination_without_its_colon_is_asked_about(broken: LocalSite, command: str) -> None:
    broken.remote["upload_remote"] = "vault"

    run = broken.run(command)

    assert run.status == 2, run.said
    said = run.stdout if command == "check" else run.stderr
    assert "remotes.google.upload_remote: is a folder below the one where cloudplow" in said
    assert 'did you mean "vault:"?' in said
    assert not (broken.root / "vault").exists()


def test_a_file_in_the_place_of_the_upload_folder_is_a_fault(broken: LocalSite) -> None:
    broken.remote["upload_folder"] = str(broken.root / "rclone.conf")

    assert_refused(broken.run("upload"), "is not a folder; create it, or correct the path")


def test_an_account_folder_without_keys_is_a_fault(broken: LocalSite) -> None:
    broken.accounts.mkdir()
    (broken.accounts / "readme.txt").write_text("no key")
    broken.uploader["service_account_path"] = str(broken.accounts)

    assert_refused(broken.run("upload"), "has no *.json key files; put keys there, or remove the setting")


def test_every_key_file_that_is_none_is_named(broken: LocalSite) -> None:
    broken.add_accounts(3, quota="1M")
    (broken.accounts / "2.json").write_text("no JSON")
    (broken.accounts / "10.json").write_text("[]")

    assert_refused(
        broken.run("upload"),
        f"{broken.accounts}/2.json is not JSON: download the key again, or move the file out of the folder",
        f"{broken.accounts}/10.json is not a service account key: download the key again",
    )


def test_a_configuration_of_rclone_that_cannot_be_read_is_a_fault(broken: LocalSite) -> None:
    (broken.root / "rclone.conf").write_text("no section\n")

    assert_refused(broken.run("upload"), "core.rclone_config_path: rclone cannot read its configuration")


# rclone


@pytest.mark.parametrize(
    ("make", "fault"),
    [
        (lambda site: "/no/such/rclone", 'core.rclone_binary_path: "/no/such/rclone" is not an executable program'),
        (
            lambda site: write_program(site, "#!/bin/sh\necho rclone v1.50.0\n"),
            "is rclone 1.50.0, but at least 1.60 is needed",
        ),
        (lambda site: write_program(site, "#!/bin/sh\necho hello\n"), "does not look like rclone"),
        (lambda site: write_program(site, "#!/bin/sh\nexit 3\n"), "does not look like rclone"),
        (lambda site: write_program(site, "#!/no/such/shell\n"), "cannot be started"),
        (lambda site: write_program(site, "\x7fELF garbage"), "cannot be started"),
        (lambda site: str(site.source), "is not an executable program"),
    ],
    ids=["missing", "too old", "no rclone", "fails", "no interpreter", "no program", "folder"],
)
def test_a_program_that_is_no_usable_rclone_is_refused(
    broken: LocalSite, make: Callable[[LocalSite], str], fault: str
) -> None:
    broken.config["core"]["rclone_binary_path"] = make(broken)

    run = broken.run("upload")

    assert_refused(run, fault)
    assert "install it (Debian: apt install rclone; or pip install 'cloudplow[rclone]')" in run.stderr


def test_no_rclone_anywhere_is_a_fault(broken: LocalSite) -> None:
    # The program is started through a link, so that no rclone is installed beside it.
    python = broken.root / "bin" / "python"
    python.parent.mkdir()
    broken.config["core"]["rclone_binary_path"] = None
    program = (
        "import sys, sysconfig\n"
        f"sysconfig.get_path = lambda name: {str(python.parent)!r}\n"
        "from cloudplow.cli import main\n"
        "sys.exit(main())"
    )
    broken.save()
    done = subprocess.run(
        [sys.executable, "-c", program, "--config", str(broken.config_path), "upload"],
        env=broken.environment(PATH=str(python.parent)),
        cwd=broken.root,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert_refused(Run(done.returncode, done.stdout, done.stderr), "rclone is not installed; install it (Debian:")


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"--no-such-flag": "x"}, "unknown flag: --no-such-flag; correct or remove the flag"),
        ({"--transfers": "many"}, 'invalid argument "many" for "--transfers" flag'),
    ],
)
def test_a_flag_that_rclone_does_not_take_ends_the_upload_at_once(
    site: LocalSite, change: dict[str, str], fault: str
) -> None:
    site.write("file")
    site.extras.update(change)

    run = site.run("upload")

    assert run.status == 2, run.said
    assert len(run.stderr.splitlines()) == 1
    assert fault in run.stderr
    assert run.of("stage_started") == []
    assert contents(site.source).keys() == {b"file"}


def test_a_remote_of_an_unknown_kind_ends_the_upload_at_once(site: LocalSite) -> None:
    site.write("file")
    site.add_remote("strange", type="nosuchkind")
    site.remote["upload_remote"] = "strange:Media"

    run = site.run("upload")

    assert run.status == 1, run.said
    assert len(run.stderr.splitlines()) == 1
    assert 'didn\'t find backend called "nosuchkind"' in run.stderr
    assert len(run.of("stage_started")) == 1
    assert contents(site.source).keys() == {b"file"}


# Plugins


def write_plugin(site: LocalSite, text: str) -> str:
    (site.root / "a_test_plugin.py").write_text(text, encoding="utf-8")
    site.config["plugins"] = ["a_test_plugin"]
    return f"{site.environment()['PYTHONPATH']}:{site.root}"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("import no_such_module", "cannot be imported: No module named 'no_such_module'"),
        ("1 / 0", "cannot be imported: ZeroDivisionError: division by zero"),
        ("def broken(:", "cannot be imported: SyntaxError"),
        (
            "from cloudplow import hookimpl\n@hookimpl\ndef cloudplow_start(app): raise ValueError('no luck')",
            "failed to start: no luck",
        ),
        (
            "from cloudplow import hookimpl\n@hookimpl\ndef cloudplow_begin(app): pass",
            "does not match the hooks of cloudplow",
        ),
        (
            "from cloudplow import hookimpl\n@hookimpl\ndef cloudplow_start(application): pass",
            "does not match the hooks of cloudplow",
        ),
        (
            "from cloudplow import hookimpl\n@hookimpl\ndef cloudplow_config_section(): return 1 / 0",
            "failed to describe its section: division by zero",
        ),
    ],
    ids=["import", "raises", "syntax", "start", "unknown hook", "unknown argument", "section"],
)
def test_a_plugin_that_cannot_be_loaded_stops_the_start_by_name(broken: LocalSite, text: str, fault: str) -> None:
    path = write_plugin(broken, text)

    run = broken.run("upload", environment=broken.environment(PYTHONPATH=path))

    assert_refused(run, f'plugins: "a_test_plugin" {fault}')


def test_a_plugin_that_is_not_there_is_named_with_the_cure(broken: LocalSite) -> None:
    broken.config["plugins"] = ["no_such_plugin"]

    assert_refused(
        broken.run("upload"),
        'plugins: "no_such_plugin" is neither an importable module nor an installed plugin; '
        "install it, or remove it from the list",
    )


# The cache files


def test_a_cache_folder_that_cannot_be_used_stops_the_start(broken: LocalSite) -> None:
    (broken.root / "file").write_text("no folder")
    broken.config["plugins"] = []

    run = broken.run("--cachefile", str(broken.root / "file" / "cache.db"), "upload")

    assert_refused(run, "cannot be created: File exists; choose another one with --cachefile", status=1)


def test_a_book_that_cannot_be_opened_ends_the_upload_before_anything_goes(broken: LocalSite) -> None:
    broken.add_accounts(1, quota="1M")
    (broken.root / "cloudplow.db" / "in the way").mkdir(parents=True)

    run = broken.run("upload")

    assert run.status == 1, run.said
    assert "Traceback" not in run.stdout + run.stderr
    (line,) = run.stderr.splitlines()
    assert "cloudplow.db cannot be read: Is a directory" in line
    assert len(contents(broken.source)) == 2


@pytest.mark.parametrize("text", ["", "{{{", "[]", "null", '{"google": 3}', '{"google": {"x": {"bytes": "NaN"}}}'])
def test_damaged_cache_files_are_no_reason_not_to_upload(any_site: LocalSite, text: str) -> None:
    any_site.write("file", 1000)
    any_site.add_accounts(1, quota="1M")
    for name in ("sa_quota_cache.json", "learned_sizes_cache.json", "dashboard_session_state.json"):
        (any_site.root / name).write_text(text)

    run = any_site.run("upload")

    assert run.status == 0, run.said
    assert "Traceback" not in run.stdout + run.stderr
    assert any_site.ledger()["1.json"]["bytes"] == 1000


# Other commands say the same


@pytest.mark.parametrize("command", ["plan", "check"])
def test_other_commands_find_the_same_faults(broken: LocalSite, command: str) -> None:
    broken.remote["upload_remote"] = "nowhere:x"

    run = broken.run(command)

    assert run.status == 2, run.said
    assert 'rclone has no remote "nowhere"' in run.stdout + run.stderr
    assert "Traceback" not in run.stdout + run.stderr


@pytest.mark.parametrize("words", [(), ("uplaod",), ("--loglevel", "LOUD", "upload"), ("upload", "--no-such-option")])
def test_bad_usage_is_explained(broken: LocalSite, words: tuple[str, ...]) -> None:
    run = broken.run(*words)

    assert run.status == 2
    assert "usage: cloudplow" in run.stderr
    assert "cloudplow: error: " in run.stderr
