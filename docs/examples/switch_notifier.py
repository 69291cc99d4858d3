"""Logs which account takes over, and what each stage is going to upload."""

import logging

from cloudplow import hookimpl
from cloudplow.events import sentence

log = logging.getLogger("switch_notifier")


def on_switch(sender, *, event, **_extra):
    log.info("%s: %s -> %s (%s)", sender, event.previous or "start", event.current, event.reason)


def on_stage(sender, *, event, **_extra):
    log.info("%s: %s", sender, sentence(event))


@hookimpl
def cloudplow_start(app):
    app.events.sa_switched.connect(on_switch)
    app.events.stage_started.connect(on_stage)
