"""Hooks of plugins in a real upload: they decide, and one that raises decides nothing."""

from __future__ import annotations

import pytest

from tests.integration.local_site import LocalSite, Run, contents

pytestmark = pytest.mark.rclone


def upload_with(site: LocalSite, *plugins: str) -> Run:
    """Upload with plugins of these texts, the first one loaded first."""
    names = []
    for number, text in enumerate(plugins):
        names.append(f"hooks_{number}")
        (site.root / f"hooks_{number}.py").write_text(f"from cloudplow import hookimpl\n{text}", encoding="utf-8")
    site.config["plugins"] = [*names, *site.config["plugins"]]
    path = f"{site.environment()['PYTHONPATH']}:{site.root}"
    return site.run("upload", environment=site.environment(PYTHONPATH=path))


REFUSES = """
@hookimpl
def cloudplow_may_upload(uploader):
    return f"{uploader} is resting"
"""
RAISES = """
@hookimpl
def cloudplow_may_upload():
    raise ValueError("no idea")

@hookimpl
def cloudplow_choose_account(queue, accounts):
    raise ValueError("no idea")

@hookimpl
def cloudplow_stop():
    raise ValueError("no end")
"""


def test_a_plugin_can_forbid_an_upload(any_site: LocalSite) -> None:
    any_site.write("file")

    run = upload_with(any_site, REFUSES)

    assert run.status == 3, run.said
    assert [event["signal"] for event in run.events] == ["uploader_suspended"]
    assert run.events[0]["reason"] == "google is resting"
    assert "google is resting" in run.stdout
    assert contents(any_site.source).keys() == {b"file"}


def test_a_plugin_can_choose_the_account(any_site: LocalSite) -> None:
    any_site.write("one", 700_000)
    any_site.write("two", 700_000)
    any_site.add_accounts(4, quota=1_000_000)

    run = upload_with(
        any_site,
        """
@hookimpl
def cloudplow_choose_account(accounts, queue):
    assert all(file.size == 700_000 for file in queue)
    free = [one.account for one in accounts if one.free_bytes >= 700_000]
    return sorted(free)[-1]
""",
    )

    assert run.status == 0, run.said
    assert [event["current"] for event in run.of("sa_switched")] == ["4.json", "3.json"]


def test_an_account_that_is_not_in_the_pool_is_not_chosen(any_site: LocalSite) -> None:
    any_site.write("file")
    any_site.add_accounts(2, quota="1M")

    run = upload_with(
        any_site,
        """
@hookimpl
def cloudplow_choose_account():
    return "/etc/passwd"
""",
    )

    assert run.status == 0, run.said
    assert [event["account"] for event in run.of("file_transferred")] == ["1.json"]
    assert 'chose the account "/etc/passwd", which is not in the pool' in run.stdout


def test_hooks_that_raise_are_logged_and_decide_nothing(any_site: LocalSite) -> None:
    any_site.write("file")
    any_site.add_accounts(2, quota="1M")

    run = upload_with(any_site, RAISES)

    assert run.status == 0, run.said
    assert [event["account"] for event in run.of("file_transferred")] == ["1.json"]
    assert 'Plugin "hooks_0" failed to say whether google may upload' in run.stdout
    assert 'Plugin "hooks_0" failed to choose an account' in run.stdout
    assert 'Plugin "hooks_0" failed while stopping' in run.stdout


def test_plugins_stop_in_reverse_order_after_the_last_event(any_site: LocalSite) -> None:
    any_site.write("file")
    # Both receivers print at the same time, each on its thread: what is printed in one piece stays one line.
    text = """
def on_finish(sender, *, event, **extra):
    print("{name} got the end\\n", end="")

@hookimpl
def cloudplow_start(app):
    print("{name} starts with", app.version)
    app.events.session_finished.connect(on_finish)

@hookimpl
def cloudplow_stop(app):
    print("{name} stops")
"""

    run = upload_with(any_site, text.replace("{name}", "first"), text.replace("{name}", "second"))

    assert run.status == 0, run.said
    said = [line for line in run.stdout.splitlines() if line.startswith(("first", "second"))]
    assert [line.partition(" with")[0] for line in said[:2]] == ["first starts", "second starts"]
    assert set(said[2:4]) == {"first got the end", "second got the end"}
    assert said[4:] == ["second stops", "first stops"]


def test_a_plugin_owns_a_section_of_the_configuration(any_site: LocalSite) -> None:
    any_site.write("file")
    any_site.config["pauses"] = {"minutes": 0, "lenght": 3}
    text = """
from pydantic import BaseModel, Field

class Settings(BaseModel):
    minutes: int = Field(default=10, ge=1)
    length: int = 1

@hookimpl
def cloudplow_config_section():
    return "pauses", Settings

@hookimpl
def cloudplow_start(app):
    print("minutes:", app.config.section("pauses").minutes)
"""

    refused = upload_with(any_site, text)

    assert refused.status == 2
    assert refused.stderr == "cloudplow: pauses.minutes: must be at least 1 (found 0)\n"

    any_site.config["pauses"]["minutes"] = 5
    any_site.config["plugins"] = any_site.config["plugins"][1:]
    accepted = upload_with(any_site, text)

    assert accepted.status == 0, accepted.said
    assert "minutes: 5" in accepted.stdout
    assert "pauses.lenght: unknown key" in accepted.stdout


def test_a_plugin_can_ask_for_the_end(any_site: LocalSite) -> None:
    for number in range(40):
        any_site.write(f"{number}.mkv", 50_000)
    any_site.extras.update({"--bwlimit": "400k", "--transfers": 1})
    before = contents(any_site.source)

    run = upload_with(
        any_site,
        """
class Stopper:
    def on_file(self, sender, *, event, **extra):
        self.app.request_stop()

stopper = Stopper()

@hookimpl
def cloudplow_start(app):
    stopper.app = app
    app.events.file_transferred.connect(stopper.on_file)
""",
    )

    assert run.status == 130, run.said
    assert run.finished["outcome"] == "interrupted"
    assert 0 < run.finished["files"] < 40
    left = contents(any_site.source)
    assert len(left) == run.finished["files_left"] == 40 - run.finished["files"]
    assert left.items() <= before.items()


COMMANDS = """
def where(app, arguments):
    print("cache files in", app.state_dir, "for", arguments.whom)
    return 3

def breaks(app, arguments):
    raise ValueError("no luck")

@hookimpl
def cloudplow_add_commands(subparsers):
    command = subparsers.add_parser("where", help="show the folder of the cache files")
    command.add_argument("whom")
    command.set_defaults(handler=where)
    subparsers.add_parser("breaks").set_defaults(handler=breaks)
"""


def run_with(site: LocalSite, plugin: str, *words: str) -> Run:
    """Any command, with a plugin of this text."""
    (site.root / "hooks_command.py").write_text(f"from cloudplow import hookimpl\n{plugin}", encoding="utf-8")
    site.config["plugins"] = ["hooks_command"]
    path = f"{site.environment()['PYTHONPATH']}:{site.root}"
    return site.run(*words, environment=site.environment(PYTHONPATH=path))


def test_command_of_a_plugin_gets_the_app_and_its_arguments_and_chooses_the_status(any_site: LocalSite) -> None:
    run = run_with(any_site, COMMANDS, "where", "me")
    assert run.status == 3, run.stderr
    assert f"cache files in {any_site.root} for me" in run.stdout


def test_help_names_the_commands_of_plugins(any_site: LocalSite) -> None:
    assert "show the folder of the cache files" in run_with(any_site, COMMANDS, "--help").stdout


def test_command_of_a_plugin_that_fails_is_one_line(any_site: LocalSite) -> None:
    run = run_with(any_site, COMMANDS, "breaks")
    assert run.status == 1
    assert run.stderr.splitlines() == ['cloudplow: the plugin command "breaks" failed: no luck']


def test_command_that_nobody_has_is_bad_usage(any_site: LocalSite) -> None:
    run = run_with(any_site, COMMANDS, "fly")
    assert run.status == 2
    assert "invalid choice: 'fly'" in run.stderr


def test_notification_service_of_a_plugin_is_accepted_in_the_configuration(any_site: LocalSite) -> None:
    offers = "@hookimpl\ndef cloudplow_notifiers():\n    return [('carrier_pigeon', print)]\n"
    any_site.config["notifications"] = {"roof": {"service": "carrier_pigeon"}}
    assert run_with(any_site, offers, "upload").status == 0
    without = run_with(any_site, "", "upload")
    assert without.status == 0
    assert "notifications.roof.service: must be one of" in without.stdout


CHECKS = """
@hookimpl
def cloudplow_check(app):
    return [("ok", f"state in {app.state_dir.name}"), ("fault", "the mail program is missing: install it")]

@hookimpl
def cloudplow_healthcheck(config):
    return "" if config.core.dry_run else "it coughs"

@hookimpl
def cloudplow_add_commands(subparsers):
    def handler(app, options):
        print(app.wait_for_stop(0), sorted(app.controls.status()), [type(one).__name__ for one in app.recovered()])
        return 7
    subparsers.add_parser("look").set_defaults(handler=handler)
"""


def test_lines_of_a_plugin_stand_in_check_and_its_fault_is_one(any_site: LocalSite) -> None:
    run = run_with(any_site, CHECKS, "check")

    assert run.status == 2, run.said
    assert run.stdout.splitlines()[-2:] == ["ok      state in site", "FAULT   the mail program is missing: install it"]


def test_healthcheck_adds_what_plugins_found_to_what_the_instance_says(any_site: LocalSite) -> None:
    run = run_with(any_site, CHECKS, "healthcheck")

    assert run.status == 1
    nobody, coughs = run.stdout.splitlines()
    assert nobody.startswith(f"unhealthy: no cloudplow is running with the state folder {any_site.root}")
    assert coughs == "unhealthy: it coughs"


def test_a_command_of_a_plugin_gets_the_started_app(any_site: LocalSite) -> None:
    any_site.add_accounts(2, quota=1_000_000)

    run = run_with(any_site, CHECKS, "look")

    assert (run.status, run.stdout.splitlines()[-1]) == (7, "False ['google'] ['AccountsLearned']")
