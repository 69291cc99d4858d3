"""`cloudplow plan`: what would be uploaded, through which accounts and stages, and when the rest can go."""

from __future__ import annotations

import argparse
import json
import logging
import time
from typing import Any

from cloudplow.commands.options import Subparsers, make_app
from cloudplow.errors import ExitStatus
from cloudplow.events.sentences import amount, count, local_time
from cloudplow.planning.finish_times import finish_times
from cloudplow.planning.planner import plan_document
from cloudplow.state.state_files import SESSION_FILE
from cloudplow.terminal import logs
from cloudplow.units import format_bytes
from cloudplow.upload.context import Context
from cloudplow.upload.controls import SessionControls
from cloudplow.upload.listing import learn_queue
from cloudplow.upload.queue_learner import sentences
from cloudplow.upload.stage_maker import stage_list_path
from cloudplow.upload.task import UploadTask, pool_of
from cloudplow.upload.task_plan import plan_task

log = logging.getLogger("cloudplow")


def add(commands: Subparsers) -> None:
    """Add the command."""
    parser = commands.add_parser("plan", help="show what would be uploaded, per account and stage; changes nothing")
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--json", action="store_true", dest="as_json", help="print it as JSON")
    parser.set_defaults(handler=run)


def run(options: argparse.Namespace) -> int:
    """Print the plan for every (or the named) uploader. Changes nothing."""
    logs.set_up("WARN", None, terminal=logging.StreamHandler())
    app = make_app(options)
    tasks = app.tasks(options.names)
    for warning in app.warnings:
        log.warning("%s", warning)
    app.check_tasks(tasks)
    tasks = [task for task in tasks if app.is_fit(task)]
    app.read_book()
    context = app.context()
    last = app.state_files.read(SESSION_FILE, keep=True)
    documents = {task.name: _plan(context, task, last_speed(last, task.name)) for task in tasks}
    if options.as_json:
        print(json.dumps(documents, indent=2))
    else:
        for name, document in documents.items():
            _print(name, document)
    waiting = any(document["waiting_files"] for document in documents.values())
    return int(ExitStatus.FILES_LEFT if waiting else ExitStatus.DONE)


def last_speed(stored: Any, uploader: str) -> float:
    """The average speed of an uploader's last session, in bytes per second; 0 when unknown."""
    if not isinstance(stored, dict):
        return 0.0
    others = stored.get("uploaders")
    record = stored if stored.get("uploader") == uploader else (others or {}).get(uploader)
    if not isinstance(record, dict):
        return 0.0
    try:
        return float(record["transferred_bytes"]) / float(record["total_duration_seconds"])
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return 0.0


def _plan(context: Context, task: UploadTask, speed: float) -> dict[str, Any]:
    pool = pool_of(task, context.book, context.keys)
    if pool is not None:
        pool.read()
    listing = learn_queue(context, task, stage_list_path(context.state_dir, task.name), pool, SessionControls())
    for sentence in sentences(listing):
        log.warning("%s: %s", task.name, sentence)
    made = plan_task(context, task, pool, listing.files)
    queue_bytes = sum(file.size for file in listing.files)
    times = finish_times(made, bytes_left=queue_bytes, speed=speed, now=context.now())
    return {
        "speed": round(speed),
        "done_at": times.at_speed or 0,
        "done_with_quotas_at": times.with_quotas or 0,
        **plan_document(made, pool.names() if pool else {}),
    }


def _print(name: str, document: dict[str, Any]) -> None:
    print(f"{name}: {amount(document['queue_files'], document['queue_bytes'])}")
    for number, stage in enumerate(document["stages"], 1):
        print(f"  now    stage {number:<3} {_stage(stage)}")
    for stage in document["later"]:
        print(f"  {local_time(stage['starts_at'], time.time()) or 'later':<20} {_stage(stage)}")
    if document["unplanned_files"]:
        unplanned = amount(document["unplanned_files"], document["unplanned_bytes"])
        print(f"  not planned yet: {unplanned}, because {document['unplanned_why']}")
    if document["queue_files"]:
        print(f"  {_times(document)}")


def _times(document: dict[str, Any]) -> str:
    if not document["speed"]:
        return "no finish time, because no upload has been measured yet"

    def at(moment: float) -> str:
        return local_time(moment, time.time()) or "at an unknown time"

    return (
        f"at {format_bytes(document['speed'])}/s, as in the last upload, done about {at(document['done_at'])}; "
        f"including waits for quota, {at(document['done_with_quotas_at'])}"
    )


def _stage(stage: dict[str, Any]) -> str:
    account = logs.escape_control(stage["account"]) or "(no accounts)"
    alone = ", larger than a whole quota, so on its own" if stage["oversized"] else ""
    return f"{account:<24} {count(stage['files'], 'file'):>14} {format_bytes(stage['bytes']):>10}{alone}"
