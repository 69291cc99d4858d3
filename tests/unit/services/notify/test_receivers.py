"""The section `notifications`: which receivers are usable; what each is sent; what monitors get."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from cloudplow.config.loader import build
from cloudplow.events import SessionOutcome
from cloudplow.services.notify import config as config_module
from cloudplow.services.notify.config import NotificationsSection, Receiver
from cloudplow.services.notify.levels import Level, Message
from cloudplow.services.notify.monitors import Monitors
from cloudplow.services.notify.placeholders import is_placeholder
from cloudplow.services.notify.requests import Job, beat_job, message_job, ping_job
from tests.unit.helpers import NOON

from .made import ended, started

MESSAGE = Message(Level.ERROR, "google: failed: <a> & b")
GOOD = {"service": "slack", "webhook_url": "https://hooks.slack.com/services/T1/B2/c3"}


def section(**receivers: Any) -> tuple[NotificationsSection, tuple[str, ...]]:
    loaded = build(
        {
            "remotes": {"google": {"upload_folder": "/m", "upload_remote": "google:"}},
            "uploader": {"google": {}},
            "notifications": receivers,
        },
        {"notifications": NotificationsSection},
        services=["Matrix"],
    )
    found = loaded.config.section("notifications")
    assert isinstance(found, NotificationsSection)
    return found, loaded.warnings


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        (
            {"service": "pushover", "app_token": "", "user_token": ""},
            "bad.app_token: is missing, but pushover needs it",
        ),
        (
            {"service": "pushover", "app_token": "YOUR_APP_TOKEN", "user_token": "u1"},
            "bad.app_token: is a placeholder, so bad gets no notifications; put in what pushover gave you",
        ),
        ({"service": "slack", "webhook_url": "hooks.slack.com/x"}, "must be an address that begins with http"),
        ({"service": "apprise", "url": "discord"}, "must be an address as apprise writes it"),
        ({"service": "apprise", "url": "discord://id/token"}, "bad.url: is a placeholder"),
        ({"service": "healthchecks"}, "bad.url: is missing, but healthchecks needs it"),
        ({"service": "pushbullet"}, 'bad.service: must be one of "apprise", "pushover"'),
        ({**GOOD, "min_level": "loud"}, "bad.min_level: must be "),
        ({**GOOD, "priority": 7}, "bad.priority: must be at most 2"),
        ({}, "bad.service: is missing"),
        ("tokens", "notifications.bad: must be an object"),
    ],
)
def test_a_receiver_that_cannot_work_is_a_warning_with_its_cure_and_left_out(entry: object, told: str) -> None:
    found, warnings = section(bad=entry, good=GOOD)

    assert list(found.receivers) == ["good"]
    assert any(told in warning for warning in warnings), warnings
    assert all("so bad gets no notifications; " in warning for warning in warnings)


@pytest.mark.parametrize("value", [None, "", [], {}])
def test_a_blank_section_names_nobody(value: object) -> None:
    assert NotificationsSection.model_validate(value).receivers == {}


def test_one_fault_takes_out_one_receiver_and_several_take_out_theirs() -> None:
    found, warnings = section(a={"service": "x"}, b=GOOD, c={"service": "slack"}, d=None, e=GOOD)
    assert list(found.receivers) == ["b", "e"]
    assert len(warnings) == 2


def test_services_are_found_however_they_are_written() -> None:
    found, warnings = section(a={**GOOD, "service": " Slack "}, b={"service": "Matrix", "room": "!x"})
    assert warnings == ()
    assert found.receivers["a"].service == "slack"
    assert found.receivers["b"].extra("room") == "!x"


def test_apprise_that_is_not_installed_is_a_warning_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config_module, "find_spec", lambda _name: None)
    found, warnings = section(a={"service": "apprise", "url": "tgram://1:a/2"}, b=GOOD)
    assert list(found.receivers) == ["b"]
    assert "run pip install 'cloudplow[notify]'" in warnings[0]


@pytest.mark.parametrize(
    "value",
    [
        "YOUR_TOKEN",
        "your-app-token",
        "<token>",
        "{token}",
        "xxxxxxxx",
        "https://hooks.slack.com/services/XXX/YYY/ZZZ",
        "https://hooks.slack.com/services/T000/B000/XXXXXXXXXXXXXXXXXXXXXXXX",
        "https://hc-ping.com/your-uuid-here",
        "https://hc-ping.com/xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx",
        "https://example.com/hook",
        "tgram://bottoken/ChatID",
        "changeme",
        "***",
    ],
)
def test_what_people_publish_in_place_of_a_token_is_known(value: str) -> None:
    assert is_placeholder(value)


@pytest.mark.parametrize(
    "value",
    [
        "azGDORePK8gMaC0QOYAMyEEuzJnyUi",
        "https://hooks.slack.com/services/T1/B2/c3",
        "http://127.0.0.1:8065/hooks/cloudplow",
        "https://chat.home/token/webhook/id",
        "json://localhost",
        "ntfys://ntfy.sh/my_topic",
        "https://notexample.com/x",
        "gotify://gotify.home/Axxxb",
    ],
)
def test_what_may_be_real_is_no_placeholder(value: str) -> None:
    assert not is_placeholder(value)


# What is sent


def receiver(**fields: Any) -> Receiver:
    return Receiver.model_validate(fields)


def body(job: Job) -> Any:
    return json.loads(job["body"])


def test_slack_gets_the_keys_of_old_configurations() -> None:
    job = message_job(receiver(**GOOD, channel="#ops", sender_icon=":cloud:"), MESSAGE)
    assert job["url"] == GOOD["webhook_url"]
    assert body(job) == {
        "username": "Cloudplow",
        "icon_emoji": ":cloud:",
        "channel": "#ops",
        "text": "google: failed: &lt;a&gt; &amp; b",
    }


def test_slack_shows_an_icon_from_an_address_and_another_title() -> None:
    content = body(message_job(receiver(**GOOD, sender_icon="https://x.y/i.png", title="Box"), MESSAGE))
    assert content["icon_url"] == "https://x.y/i.png"
    assert content["text"].startswith("*Box*\n")


def test_google_chat_keeps_a_thread_together() -> None:
    url = "https://chat.googleapis.com/v1/spaces/A/messages?key=k&token=t"
    plain = message_job(receiver(service="googlechat", webhook_url=url, title=""), MESSAGE)
    assert (plain["url"], body(plain)) == (url, {"text": MESSAGE.text})
    threaded = message_job(receiver(service="googlechat", webhook_url=url, thread_key="k1"), MESSAGE)
    assert body(threaded)["thread"] == {"threadKey": "k1"}
    assert threaded["url"].startswith(f"{url}&messageReplyOption=")


@pytest.mark.parametrize(("priority", "more"), [("0", {}), (2, {"retry": ["60"], "expire": ["3600"]})])
def test_pushover_gets_its_form(priority: object, more: dict[str, Any]) -> None:
    job = message_job(receiver(service="pushover", app_token="a1", user_token="u1", priority=priority), MESSAGE)
    fields = parse_qs(job["body"])
    assert fields == {
        "token": ["a1"],
        "user": ["u1"],
        "title": ["Cloudplow"],
        "message": [MESSAGE.text],
        "priority": [str(priority)],
        **more,
    }


def test_apprise_gets_address_title_and_kind() -> None:
    job = message_job(receiver(service="apprise", url="tgram://1:a/2"), MESSAGE)
    assert job == {
        "kind": "apprise",
        "urls": "tgram://1:a/2",
        "title": "Cloudplow",
        "text": MESSAGE.text,
        "type": "failure",
    }


def test_user_and_password_of_an_address_become_a_header() -> None:
    job = message_job(receiver(service="slack", webhook_url="https://me:p%40ss@host/x"), MESSAGE)
    assert job["url"] == "https://host/x"
    assert job["headers"]["Authorization"] == "Basic bWU6cEBzcw=="


def test_what_is_shown_of_a_receiver_is_no_secret() -> None:
    assert (
        receiver(service="apprise", url="tgram://1:secret/2, mailto://me:secret@x.y").shown
        == "apprise, tgram://, mailto://"
    )
    assert receiver(**GOOD).shown == "slack"


@pytest.mark.parametrize(("least", "count"), [(Level.INFO, 3), (Level.WARNING, 2), (Level.ERROR, 1)])
def test_less_than_somebody_wants_is_not_told(least: Level, count: int) -> None:
    assert sum(Message(level, "x").is_for(least) for level in Level) == count


# Monitors


@pytest.mark.parametrize(
    ("outcome", "action"),
    [
        (SessionOutcome.DONE, ""),
        (SessionOutcome.QUOTA_USED, ""),
        (SessionOutcome.SUSPENDED, ""),
        (SessionOutcome.FAILED, "fail"),
        (SessionOutcome.INTERRUPTED, "log"),
    ],
)
def test_healthchecks_hears_of_beginning_and_end_with_one_rid(outcome: SessionOutcome, action: str) -> None:
    monitors = Monitors()
    (start,) = monitors.take(started())
    (end,) = monitors.take(ended(outcome, reason="/mnt/secret failed"))

    assert (start.action, end.action) == ("start", action)
    assert start.rid == end.rid
    assert "failed" not in end.text.replace("google: failed:", "") and "/mnt" not in end.text
    check = receiver(service="healthchecks", url="https://hc-ping.com/u-1/?create=1")
    parts = urlsplit(ping_job(check, end)["url"])
    assert parts.path == f"/u-1/{action}".rstrip("/")
    assert parse_qs(parts.query) == {"create": ["1"], "rid": [end.rid]}


def test_every_run_has_an_rid_of_its_own() -> None:
    monitors = Monitors()
    pings = [ping for name in "ab" for ping in monitors.take(started(session=name))]
    assert len({ping.rid for ping in pings}) == 2


def test_uptime_kuma_is_down_from_a_failure_to_the_next_success() -> None:
    monitors = Monitors()
    assert monitors.down_because() == ""
    monitors.take(ended(SessionOutcome.FAILED))
    down = monitors.down_because()
    monitors.take(started(NOON + 1))
    monitors.take(ended())
    assert monitors.down_because() == ""

    kuma = receiver(service="uptimekuma", url="https://kuma.home/api/push/abc?status=up&msg=OK&ping=")
    assert parse_qs(urlsplit(beat_job(kuma, "")["url"]).query)["status"] == ["up"]
    assert parse_qs(urlsplit(beat_job(kuma, down)["url"]).query)["status"] == ["down"]


def test_monitors_do_not_hear_of_dry_runs() -> None:
    monitors = Monitors()
    assert monitors.take(started(dry_run=True)) + monitors.take(ended()) == []
    assert Monitors(dry_run=True).take(ended(SessionOutcome.FAILED)) == []
