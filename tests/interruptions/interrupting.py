"""The kinds of interruption: each does what it is named after to a running upload."""

from __future__ import annotations

import signal
import time
from typing import Final

from tests.fake_drive import Failure, Fault
from tests.interruptions.damage import Copies
from tests.interruptions.place import Place
from tests.interruptions.processes import Upload, send_all
from tests.interruptions.scenario import BOOK_KINDS, STATE_KINDS, Aim, Kind, Step

#: A killed upload's file that is late on purpose appears so much earlier than cloudplow stops waiting for it.
_LANDING_MARGIN_SECONDS: Final = 1.2
#: How long to wait for an rclone to kill.
_RCLONE_SECONDS: Final = 2.0
_UPLOADS: Final = frozenset(("multipart", "chunk"))


class LateError(Exception):
    """What was to be interrupted is over."""


def prepare(step: Step, place: Place) -> str | None:
    """What must be so before the moment comes. Returns the account that is going to be denied, if one is."""
    if step.kind is Kind.LATE_FILES:
        longest = place.scenario.landing_seconds - _LANDING_MARGIN_SECONDS
        place.drive.set_settings(commit_delay_seconds=longest * (0.3 + 0.7 * step.choice))
    return _lower_a_limit(place) if step.aim is Aim.DENIAL else None


def interrupt(step: Step, upload: Upload, place: Place) -> None:
    """Do it. Except for kinds of `GOES_ON`, cloudplow is about to end afterwards, or has ended.

    Raises LateError when there is nothing left to interrupt.
    """
    match step.kind:
        case Kind.KILL_CLOUDPLOW:
            upload.send(signal.SIGKILL)
        case Kind.KILL_RCLONE:
            _kill_rclone(upload)
        case Kind.TERM | Kind.INT:
            upload.send(_signal_of(step.kind))
        case Kind.TERM_TWICE | Kind.INT_TWICE:
            upload.send(_signal_of(step.kind))
            time.sleep(step.choice**3)
            upload.send(_signal_of(step.kind))
        case Kind.STOP | Kind.STOP_NOW:
            if place.run("stop", *(("--now",) if step.kind is Kind.STOP_NOW else ())).status != 0:
                raise LateError
        case Kind.SUSPEND:
            _suspend(step, upload)
        case Kind.LOST_ANSWERS:
            place.drive.add_fault(Fault(Failure.DROP, kinds=_UPLOADS, first=1 + int(step.choice * 3), carried_out=True))
        case Kind.NETWORK_CUT:
            place.drive.cut_network()
            upload.wait(step.lasting_seconds)
            place.drive.mend_network()
        case kind if kind in STATE_KINDS:
            place.disk.spoil(kind)
            upload.wait(step.lasting_seconds)
            place.disk.heal()
        case _:
            upload.kill_all()


def after_its_end(step: Step, place: Place, copies: Copies) -> str:
    """What happens when nothing is running any more. Returns a remark, or "". Raises LateError."""
    if step.kind is Kind.RENAMED:
        place.rename_folder(step.choice)
    if step.kind in BOOK_KINDS:
        done = copies.damage(place.state, step.kind, step.choice)
        if not done:
            raise LateError
        return done
    return ""


def end(place: Place) -> None:
    """Let the Drive behave again; files that are on their way still come as late as they would have.

    Raises LateError when no answer was lost that should have been.
    """
    with place.drive.world.lock:
        idle = any(fault.hits == 0 for fault in place.drive.world.settings.faults)
    place.drive.clear_faults()
    place.drive.set_settings(commit_delay_seconds=0.0)
    if idle:
        raise LateError


def _signal_of(kind: Kind) -> signal.Signals:
    return signal.SIGTERM if kind in (Kind.TERM, Kind.TERM_TWICE) else signal.SIGINT


def _kill_rclone(upload: Upload) -> None:
    deadline = time.monotonic() + _RCLONE_SECONDS
    while not (rclones := upload.rclones()):
        if not upload.running or time.monotonic() > deadline:
            raise LateError
        time.sleep(0.01)
    send_all(rclones, signal.SIGKILL)


def _suspend(step: Step, upload: Upload) -> None:
    """Stop cloudplow, its rclone, or both, and let them go on."""
    rclones = upload.rclones() if step.choice > 1 / 3 else []
    if step.choice < 2 / 3:
        upload.send(signal.SIGSTOP)
    send_all(rclones, signal.SIGSTOP)
    time.sleep(step.lasting_seconds)
    send_all(rclones, signal.SIGCONT)
    upload.send(signal.SIGCONT)


def _lower_a_limit(place: Place) -> str | None:
    """The first account that has much left is allowed less from now on, as if Google had changed its mind."""
    limit = place.scenario.quota_bytes
    for name, usage in place.drive.usages().items():
        free = limit - usage.in_window
        if free > limit // 4:
            place.drive.set_quota(name, limit_bytes=usage.in_window + free // 3)
            return name
    return None
