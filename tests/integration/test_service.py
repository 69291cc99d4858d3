"""`cloudplow run` as a service: what it tells systemd, SIGHUP and SIGTERM, a second one, a kill, `healthcheck`."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from cloudplow.commands.healthcheck import engine_reasons
from cloudplow.control.client import ask
from cloudplow.errors import CloudplowError
from tests.integration.local_site import REPOSITORY, LocalSite, wait_for

pytestmark = pytest.mark.rclone


@contextmanager
def service(site: LocalSite, *, command: Sequence[str] = (), **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """`cloudplow run` without a terminal, from the moment that it can be asked; killed at the end if it still runs."""
    site.save()
    with (site.root / "output.txt").open("wb") as output:
        process = subprocess.Popen(
            command or site.command("run"),
            env=site.environment(**environment),
            cwd=site.root,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        wait_for(lambda: told(site) or process.poll() is not None, f"the service\n{site.output()}")
        assert process.poll() is None, site.output()
        yield process
    finally:
        process.kill()
        process.wait()


def told(site: LocalSite) -> dict[str, Any]:
    """What the only uploader does; {} while nobody can be asked."""
    try:
        answer: dict[str, Any] = ask(site.root, {"do": "status"})["uploaders"]["google"]
    except CloudplowError:
        return {}
    return answer


def waits(site: LocalSite) -> dict[str, Any]:
    """The same once it has measured and waits for more."""
    wait_for(lambda: "next check" in told(site).get("why", ""), f"a check\n{site.output()}")
    return told(site)


def end(process: subprocess.Popen[bytes]) -> int:
    process.terminate()
    return process.wait(30)


def test_systemd_is_told_everything_from_the_start_to_the_end(any_site: LocalSite, runtime_dir: Path) -> None:
    place = runtime_dir / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(place))
        systemd.settimeout(30)
        with service(any_site, NOTIFY_SOCKET=str(place), WATCHDOG_USEC="180000000") as process:
            waits(any_site)
            os.kill(process.pid, signal.SIGHUP)
            wait_for(lambda: "was read again" in any_site.output(), "the reload")
            assert end(process) == 0, any_site.output()
        systemd.setblocking(False)
        messages = []
        while True:
            try:
                messages.append(systemd.recv(4096).decode())
            except BlockingIOError:
                break
    place.unlink()

    assert messages[0].startswith("READY=1\nSTATUS=google: ")
    assert messages[0].endswith("\nWATCHDOG=1")
    assert any(message.startswith("STATUS=google: waiting: nothing to upload, next check ") for message in messages)
    reload = next(
        number for number, message in enumerate(messages) if message.startswith("RELOADING=1\nMONOTONIC_USEC=")
    )
    assert "READY=1" in messages[reload + 1 :]
    assert "STOPPING=1\nSTATUS=stopping on request" in messages


def test_hang_up_reads_the_configuration_again_and_a_broken_one_changes_nothing(any_site: LocalSite) -> None:
    any_site.write("one.mkv", 3000)
    any_site.uploader.update(max_size_gb=100)
    with service(any_site) as process:
        before = waits(any_site)["why"]
        assert "of 100.0 GB" in before

        good = any_site.config_path.read_text()
        any_site.config_path.write_text(
            good.replace('"max_size_gb": 100', '"max_size_gb": 50, "account_quota": "much"')
        )
        os.kill(process.pid, signal.SIGHUP)
        wait_for(lambda: "refused; the one in force stays" in any_site.output(), "the refusal")
        assert "uploader.google.account_quota" in any_site.output()
        assert told(any_site)["why"] == before
        assert any_site.source.joinpath("one.mkv").exists()

        any_site.config_path.write_text(good.replace('"max_size_gb": 100', '"max_size_gb": 50'))
        os.kill(process.pid, signal.SIGHUP)
        wait_for(lambda: "of 50.0 GB" in told(any_site).get("why", ""), f"the new threshold\n{told(any_site)}")
        assert "in force now: uploader.google.max_size_gb" in any_site.output()
        assert end(process) == 0, any_site.output()


@pytest.mark.alone
def test_a_service_that_waits_ends_within_two_seconds(any_site: LocalSite) -> None:
    # As the units of old start it.
    script = [sys.executable, str(REPOSITORY / "cloudplow.py"), "run", "--loglevel=INFO"]
    with service(any_site, command=script, CLOUDPLOW_CONFIG=str(any_site.config_path)) as process:
        waits(any_site)
        begun = time.monotonic()
        assert end(process) == 0, any_site.output()
        assert time.monotonic() - begun < 2


def test_a_second_service_with_the_same_state_folder_is_one_sentence(any_site: LocalSite) -> None:
    with service(any_site):
        second = any_site.run("run")

        assert second.status == 1, second.said
        (line,) = second.stderr.splitlines()
        assert line.startswith(f"cloudplow: another cloudplow runs with the state folder {any_site.root}: ")
        assert waits(any_site)


def test_a_pause_is_kept_over_a_kill_and_a_paused_service_is_healthy(any_site: LocalSite) -> None:
    any_site.write("one.mkv", 3000)
    with service(any_site) as process:
        waits(any_site)
        ask(any_site.root, {"do": "pause"})
        process.kill()
        process.wait()

    any_site.uploader["max_size_gb"] = 0
    with service(any_site) as process:
        assert told(any_site)["state"] == "paused"
        healthy = any_site.run("healthcheck")
        assert (healthy.status, healthy.stdout) == (0, "healthy\n"), healthy.said
        assert any_site.source.joinpath("one.mkv").exists()
        assert end(process) == 0, any_site.output()

    nobody = any_site.run("healthcheck")
    assert nobody.status == 1
    assert nobody.stdout.startswith("unhealthy: no cloudplow is running with the state folder ")


def test_a_long_wait_for_quota_is_healthy_and_an_instance_that_hangs_is_not(any_site: LocalSite) -> None:
    for name in ("one.mkv", "two.mkv"):
        any_site.write(name, 3000)
    any_site.add_accounts(1, quota=4000)
    any_site.uploader["max_size_gb"] = 0
    with service(any_site) as process:
        wait_for(lambda: told(any_site).get("state") == "cooling", f"the quota\n{any_site.output()}")
        healthy = any_site.run("healthcheck")
        assert (healthy.status, healthy.stdout) == (0, "healthy\n"), healthy.said

        process.send_signal(signal.SIGSTOP)
        (reason,) = engine_reasons(any_site.root, any_site.config_path, timeout_seconds=0.2)
        assert "has not answered within 0.2 seconds" in reason
        process.send_signal(signal.SIGCONT)
        assert end(process) == 0, any_site.output()


def test_the_drop_in_for_systemd_is_all_that_is_printed(any_site: LocalSite) -> None:
    run = any_site.run("check", "--systemd")

    assert run.status == 0 and run.stderr == "", run.said
    assert f'ReadWritePaths="-{any_site.source.resolve()}"' in run.stdout.splitlines()
    assert json.loads(any_site.config_path.read_text()) == any_site.config
