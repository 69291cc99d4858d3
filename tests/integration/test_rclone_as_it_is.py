"""rclone as the user has it: remotes of the environment, passwords, flags, locales; output that nobody reads."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from cloudplow.rclone.command import ExtraValue, Job, Rclone
from cloudplow.rclone.flag_trial import refusal, trial_commands
from cloudplow.rclone.process import run as run_rclone
from tests.integration.local_site import LocalSite, contents, wait_for

pytestmark = pytest.mark.rclone

LATIN_1: Final = "en_US.ISO-8859-1"


def test_a_remote_of_the_environment_alone_is_used(site: LocalSite) -> None:
    site.write("file")
    site.remote["upload_remote"] = "ALIASED:deep"
    named = site.environment(RCLONE_CONFIG_ALIASED_TYPE="alias", RCLONE_CONFIG_ALIASED_REMOTE="vault:Media")

    checked, run = site.run("check", environment=named), site.run("upload", environment=named)

    assert checked.status == 0, checked.said
    assert run.status == 0, run.said
    assert contents(site.source) == {}


def test_a_configuration_that_does_not_exist_is_named(any_site: LocalSite) -> None:
    any_site.write("file")
    any_site.config["core"]["rclone_config_path"] = str(any_site.root / "nowhere.conf")

    run = any_site.run("upload")

    assert run.status == 2
    assert f'rclone\'s configuration file "{any_site.root / "nowhere.conf"}" does not exist' in run.stderr
    assert "known: none" not in run.stderr


def test_a_password_command_reaches_every_call(site: LocalSite) -> None:
    site.write("file")
    conf = site.root / "rclone.conf"
    ask = site.root / "ask"
    ask.write_text("#!/bin/sh\necho secret\n", encoding="utf-8")
    ask.chmod(0o755)
    subprocess.run(
        [sys.executable, "-c", _ENCRYPT, str(site.rclone), str(conf)], check=True, env=site.environment(), timeout=30
    )
    assert "RCLONE_ENCRYPT" in conf.read_text(encoding="utf-8")
    without = site.run("check")
    site.extras["--password-command"] = str(ask)

    run = site.run("upload")

    assert without.status == 2
    assert run.status == 0, run.said
    assert contents(site.source) == {}


#: `rclone config` asks for the password twice.
_ENCRYPT = """
import pty, os, sys, time, select
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], [sys.argv[1], "config", "--config", sys.argv[2]])
seen, answers = b"", [(b"q) Quit", b"s\\n"), (b"q) Quit", b"a\\n"), (b"password:", b"secret\\n"),
    (b"password:", b"secret\\n"), (b"q) Quit", b"q\\n"), (b"q) Quit", b"q\\n")]
while True:
    try:
        chunk = os.read(fd, 4096)
    except OSError:
        break
    if not chunk:
        break
    seen += chunk
    if answers and answers[0][0] in seen and seen.rstrip().endswith((b">", b":")):
        os.write(fd, answers.pop(0)[1]); seen = b""
os.waitpid(pid, 0)
"""


@pytest.mark.parametrize(
    ("flag", "value", "said"),
    [("--transfers", 8.5, 'invalid argument "8.5"'), ("--order-by", "foo", 'unknown --order-by comparison "foo"')],
)
@pytest.mark.parametrize("command", ["check", "plan", "upload"])
def test_a_flag_that_rclone_refuses_is_found_before_the_first_stage(
    site: LocalSite, command: str, flag: str, value: float | None, said: str
) -> None:
    site.write("file")
    site.add_accounts(2, quota="1M")
    site.extras[flag] = value

    run = site.run(command)

    assert run.status == 2, run.said
    assert f"remotes.google.rclone_extras: rclone refuses to start: {said}" in run.stdout + run.stderr
    assert run.of("stage_started", "sa_switched") == []


@pytest.mark.parametrize(
    ("flag", "value", "said"),
    [
        ("--no-such-flag", None, "unknown flag: --no-such-flag"),
        ("--bwlimit", "banana", 'invalid argument "banana" for "--bwlimit" flag'),
        ("--max-transfer", "x", 'invalid argument "x" for "--max-transfer" flag'),
        ("--drive-chunk-size", "3M", "drive: chunk size: 3Mi isn't a power of two (--drive-chunk-size=3M)"),
        ("--track-renames-strategy", "foo", 'unknown track renames strategy "foo"'),
        ("--header", "foo", "as an HTTP header"),
        ("--filter", "foo", 'malformed rule "foo" (--filter=foo)'),
        ("--exclude-from", "/no/such/file", "no such file or directory (--exclude-from=/no/such/file)"),
        ("--dscp", "foo", "--dscp: Invalid DSCP name: foo"),
    ],
)
def test_every_rclone_shows_what_it_would_refuse_only_at_work(
    rclone: Path, flag: str, value: str | None, said: str
) -> None:
    extras: dict[str, ExtraValue] = {flag: value, "--track-renames": None}
    commands = trial_commands(Rclone(str(rclone)), Job("move", "/m", "g:", extras))

    assert any(said in refusal(run_rclone(command, timeout_seconds=20), extras) for command in commands)


def test_no_rclone_refuses_flags_that_people_have(rclone: Path) -> None:
    extras: dict[str, ExtraValue] = {
        "--transfers": 8,
        "--drive-chunk-size": "64M",
        "--drive-upload-cutoff": "64M",
        "--drive-acknowledge-abuse": True,
        "--fast-list": None,
        "--order-by": "size,mixed,75",
        "--exclude": "*.partial~",
        "--max-age": "30d",
        "--bwlimit": "08:00,512k 23:00,off",
        "--max-duration": "1ms",
        "--max-transfer": "1k",
        "--retries": 5,
        "--retries-sleep": "60s",
        "--immutable": None,
        "--check-first": None,
        "--user-agent": "mine",
        "--tpslimit": 5,
    }
    commands = trial_commands(Rclone(str(rclone)), Job("move", "/m", "g:", extras))

    assert len(commands) == 2
    assert [refusal(run_rclone(command, timeout_seconds=20), extras) for command in commands] == ["", ""]


def test_check_and_log_say_which_rclone_and_why(any_site: LocalSite) -> None:
    any_site.write("file")

    checked, run = any_site.run("check"), any_site.run("upload")

    for said in (checked.stdout, run.stdout):
        (line,) = [line for line in said.splitlines() if str(any_site.rclone) in line]
        assert "(named in core.rclone_binary_path)" in line


@pytest.mark.parametrize(
    "variables",
    [
        {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
        {"LC_ALL": "POSIX", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
        {"LC_ALL": LATIN_1},
        {"LC_ALL": LATIN_1, "PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "C.UTF-8", "PYTHONIOENCODING": "ascii:strict"},
    ],
    ids=lambda variables: ",".join(variables.values()),
)
def test_names_arrive_to_the_byte_whatever_the_locale_and_nothing_that_is_said_fails(
    any_site: LocalSite, variables: dict[str, str]
) -> None:
    names = ["Amélie ☕.mkv".encode(), b"plain", b"\xff\xfe.mkv", b"caf\xe9/\xc3\xbc\xff.mkv"]
    for name in names:
        any_site.write(name)
    any_site.remote["upload_remote"] = "plain:Médiathèque ☕"
    environment = any_site.environment(LOCPATH=str(any_site.root), **variables)
    for variable in {"LANG", "LC_CTYPE", "PYTHONIOENCODING", "PYTHONUTF8", "PYTHONCOERCECLOCALE"} - variables.keys():
        environment.pop(variable, None)
    if variables["LC_ALL"] == LATIN_1:
        make_latin_1(any_site.root / LATIN_1)
    else:
        del environment["LOCPATH"]

    runs = [any_site.run(word, environment=environment) for word in ("check", "plan", "upload")]

    assert [run.status for run in runs] == [0, 0, 0], [run.said for run in runs]
    assert "Traceback" not in "".join(run.said for run in runs)
    assert contents(any_site.source) == {}
    arrived = {name.removesuffix(b".bin") for name in contents(any_site.cloud)}
    assert arrived == {"Médiathèque ☕/".encode() + name for name in names}


def make_latin_1(path: Path) -> None:
    """Compile a locale whose encoding is ISO 8859-1."""
    try:
        done = subprocess.run(
            ["localedef", "-i", "en_US", "-f", "ISO-8859-1", str(path)], capture_output=True, check=False
        )
    except FileNotFoundError:
        pytest.skip("localedef is not installed")
    if not path.exists():
        pytest.skip(f"localedef cannot make the locale: {done.stderr.decode(errors='replace').strip()}")


def shell(site: LocalSite, script: str) -> subprocess.CompletedProcess[bytes]:
    site.save()
    return subprocess.run(
        ["/bin/sh", "-c", script, "sh", *site.command("upload")],
        env=site.environment(),
        cwd=site.root,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize(
    "script",
    ['"$@" >&-', '"$@" 2>&-', '"$@" <&- >&- 2>&-', '"$@" | :', '{ "$@" | :; } 2>&1', '"$@" >/dev/full 2>/dev/full'],
)
def test_output_that_nobody_takes_stops_no_upload(any_site: LocalSite, script: str) -> None:
    any_site.write("file")

    done = shell(any_site, script)

    assert b"Traceback" not in done.stdout + done.stderr
    assert b"Error" not in done.stderr
    assert contents(any_site.source) == {}
    assert any_site.told()[-1]["outcome"] == "done"


@pytest.mark.parametrize("ignored", [False, True], ids=["a terminal that closes", "nohup"])
def test_a_closed_terminal_ends_an_upload_properly_but_not_under_nohup(any_site: LocalSite, ignored: bool) -> None:
    any_site.write("first", 300_000)
    any_site.write("second", 300_000)
    any_site.extras.update({"--bwlimit": "400k", "--transfers": 1, "--buffer-size": "0"})
    any_site.add_accounts(1, quota="10M")
    any_site.save()
    leader, follower = os.openpty()
    process = subprocess.Popen(
        any_site.command("upload"),
        env=any_site.environment(),
        cwd=any_site.root,
        stdin=follower,
        stdout=follower,
        stderr=follower,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN if ignored else signal.SIG_DFL) and None,
        start_new_session=True,
    )
    os.close(follower)
    try:
        wait_for(lambda: any(event["signal"] == "stage_started" for event in any_site.told()), "a stage", 20)
        os.close(leader)
        process.send_signal(signal.SIGHUP)
        status = process.wait(20)
    finally:
        process.kill()
        process.wait()

    assert status == (0 if ignored else 130)
    assert any_site.told()[-1]["outcome"] == ("done" if ignored else "interrupted")
    assert (contents(any_site.source) == {}) is ignored


def test_what_killed_writes_left_is_swept(any_site: LocalSite) -> None:
    any_site.write("file")
    dead = subprocess.Popen(["/bin/true"])
    dead.wait()
    left = [any_site.root / f".sa_quota_cache.json.{dead.pid}.{dead.pid}.tmp", any_site.root / f".other.{dead.pid}.tmp"]
    kept = [any_site.root / f".other.{os.getpid()}.tmp", any_site.root / ".vimrc.tmp"]
    for path in [*left, *kept]:
        path.touch()

    assert any_site.run("upload").status == 0

    assert [path for path in left if path.exists()] == []
    assert [path for path in kept if not path.exists()] == []


def test_a_fifo_among_the_keys_is_set_aside(any_site: LocalSite) -> None:
    any_site.write("file")
    any_site.add_accounts(1, quota="1M")
    os.mkfifo(any_site.accounts / "0.json")

    run = any_site.run("upload")

    assert run.status == 0, run.said
    assert "0.json" in run.stdout
    assert Path(any_site.accounts / "0.json").exists()
