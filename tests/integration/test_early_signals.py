"""Signals in the first and the last moments: status 130, no traceback, nothing of ours left."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.local_site import LocalSite, contents

pytestmark = pytest.mark.rclone

#: Sends itself signals while a module is being imported, or when a hook is called.
_HOOK = """
import os, sys

class Sender:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r} and not self.sent:
            self.sent = True
            for number in {numbers!r}:
                os.kill(os.getpid(), number)

    sent = False

sys.meta_path.insert(0, Sender())
"""

_PLUGIN = """
import os
from cloudplow import hookimpl

def send():
    for number in {numbers!r}:
        os.kill(os.getpid(), number)

@hookimpl
def {hook}(app):
    send()
"""

INSTALLED = Path(sys.executable).with_name("cloudplow")


def write_hook(site: LocalSite, name: str, text: str) -> None:
    (site.root / "python").mkdir(exist_ok=True)
    (site.root / "python" / f"{name}.py").write_text(text, encoding="utf-8")


def upload(site: LocalSite, *start: str) -> subprocess.CompletedProcess[str]:
    site.write("file")
    site.save()
    environment = site.environment()
    environment["PYTHONPATH"] = f"{site.root / 'python'}:{environment['PYTHONPATH']}"
    command = [*start, *site.command("upload")[3:]] if start else site.command("upload")
    return subprocess.run(
        command,
        env=environment,
        cwd=site.root,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize(
    ("module", "numbers"),
    [
        ("cloudplow.start", [signal.SIGINT]),
        ("cloudplow.cli", [signal.SIGTERM, signal.SIGINT]),
        ("pydantic", [signal.SIGINT, signal.SIGINT]),
        ("cloudplow.app", [signal.SIGQUIT]),
        ("cloudplow_dashboard", [signal.SIGHUP, signal.SIGTERM, signal.SIGINT]),
    ],
)
@pytest.mark.parametrize("entry", ["module", "installed"])
def test_a_signal_while_modules_are_imported_ends_with_130_and_without_a_word(
    any_site: LocalSite, entry: str, module: str, numbers: list[int]
) -> None:
    if entry == "installed" and not INSTALLED.exists():
        pytest.skip("cloudplow is not installed beside this Python")
    any_site.config["plugins"] = ["cloudplow_dashboard"]
    write_hook(any_site, "sitecustomize", _HOOK.format(module=module, numbers=[int(one) for one in numbers]))

    done = upload(any_site, *([str(INSTALLED)] if entry == "installed" else []))

    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
    assert len(contents(any_site.source)) == 1


@pytest.mark.parametrize("numbers", [[signal.SIGINT], [signal.SIGHUP, signal.SIGTERM], [signal.SIGINT] * 3])
def test_signals_while_plugins_start_stop_the_upload_before_it_begins(any_site: LocalSite, numbers: list[int]) -> None:
    write_hook(any_site, "sends", _PLUGIN.format(hook="cloudplow_start", numbers=[int(one) for one in numbers]))
    any_site.config["plugins"].append("sends")

    done = upload(any_site)

    assert done.returncode == 130, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert len(contents(any_site.source)) == 1


def test_signals_at_the_very_end_leave_what_was_done_done(any_site: LocalSite) -> None:
    numbers = [int(signal.SIGTERM), int(signal.SIGINT)]
    write_hook(any_site, "sends", _PLUGIN.format(hook="cloudplow_stop", numbers=numbers))
    any_site.config["plugins"].append("sends")
    any_site.add_accounts(1, quota="1M")

    done = upload(any_site)

    assert done.returncode in (0, 130), done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert contents(any_site.source) == {}
    assert any_site.ledger_bytes() == 1000
    assert list(any_site.root.rglob("*.tmp")) == []
