"""Plays one round: the interruptions one after the other, an undisturbed upload, the judgement."""

from __future__ import annotations

import contextlib
import shutil
import signal
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.interruptions import books, crypt, disks, interrupting, judging, telling
from tests.interruptions.damage import Copies
from tests.interruptions.judging import Fault, Files, Finding
from tests.interruptions.place import Place
from tests.interruptions.processes import Upload
from tests.interruptions.scenario import BOOK_KINDS, GOES_ON, KILLS, STATE_KINDS, Kind, Scenario, Step
from tests.interruptions.watching import PATIENCE_SECONDS, wait_for_moment

#: A last upload that leaves something for want of quota is followed by another one when the landing time has passed.
_MOST_LAST_UPLOADS: Final = 3


@dataclass(slots=True)
class Round:
    """What came of a scenario.

    skipped: why it could not be played, or "". missed: interruptions whose moment never came. last_uploads: how many
    were needed. too_late: this machine was so slow that a killed upload's file came after the landing time: it proves
    nothing. defect: a traceback of the harness itself. folder: kept if anything was wrong.
    """

    scenario: Scenario
    folder: Path
    findings: list[Finding] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    skipped: str = ""
    missed: int = 0
    last_uploads: int = 0
    too_late: bool = False
    seconds: float = 0.0
    defect: str = ""

    @property
    def good(self) -> bool:
        """Whether nothing was wrong, as far as it could be played."""
        return not self.defect and (self.too_late or not self.findings)

    @property
    def counts(self) -> bool:
        """Whether it proves anything."""
        return not self.skipped and not self.too_late


def play(scenario: Scenario, folder: Path, *, keep: bool = False) -> Round:
    """Play a scenario in a new folder, which stays if anything was wrong (or `keep`)."""
    result = Round(scenario, folder)
    shutil.rmtree(folder, ignore_errors=True)
    slow_fsync = None
    if Kind.SLOW_FSYNC in scenario.kinds:
        folder.parent.mkdir(parents=True, exist_ok=True)
        slow_fsync = disks.build_slow_fsync(folder.parent)
    result.skipped = _why_not(scenario, slow_fsync)
    if result.skipped:
        return result
    began = time.monotonic()
    try:
        with Place(folder, scenario, slow_fsync) as place:
            try:
                _Player(place, result).play()
            finally:
                place.keep = keep or not result.good
    except Exception:  # noqa: BLE001 - one round that cannot be played must not end the others
        result.defect = traceback.format_exc()
    result.seconds = time.monotonic() - began
    if result.good and not keep:
        shutil.rmtree(folder, ignore_errors=True)
    return result


def _why_not(scenario: Scenario, slow_fsync: Path | None) -> str:
    if Kind.SLOW_FSYNC in scenario.kinds and slow_fsync is None:
        return f"{Kind.SLOW_FSYNC}: there is no C compiler"
    for kind in sorted(scenario.kinds & STATE_KINDS):
        if not disks.can_spoil(kind):
            return f"{kind}: this user cannot mount a small file system"
    return ""


#: What one transfer may have on its way: rclone's chunk.
_CHUNK_BYTES: Final = 8 << 20


class _Player:
    def __init__(self, place: Place, result: Round) -> None:
        self._place = place
        self._result = result
        self._copies = Copies(place.root / "copies")
        self._provoked: set[str] = set()
        self._cut_off_at: list[float] = []
        self._kills = 0
        self._upload: Upload | None = None

    def play(self) -> None:
        """All of it."""
        steps = self._result.scenario.steps
        try:
            for number, step in enumerate(steps, 1):
                if self._upload is None or not self._upload.running:
                    self._upload = self._place.start(slow_fsync=step.kind is Kind.SLOW_FSYNC)
                following = steps[number] if number < len(steps) else None
                self._step(number, step, following, self._upload)
            self._finish()
        finally:
            if self._upload is not None:
                self._upload.kill_all()

    def _step(self, number: int, step: Step, following: Step | None, upload: Upload) -> None:
        place = self._place
        denied = interrupting.prepare(step, place)
        if denied:
            self._provoked.add(denied)
        with self._may_be_late():
            if not wait_for_moment(step, upload, place):
                raise interrupting.LateError
            interrupting.interrupt(step, upload, place)
            self._kills += step.kind in KILLS
            if step.kind not in GOES_ON or step.kind is Kind.KILL_RCLONE:
                self._cut_off_at.append(time.time())
        if step.kind in GOES_ON and following is not None:
            return
        self._wait_for_end(upload, f"step {number}")
        with self._may_be_late():
            interrupting.end(place)
        if step.rest_seconds or following is None or BOOK_KINDS & {step.kind, following.kind}:
            if not place.wait_until_quiet():
                self._find(Fault.ENDED_BADLY, f"step {number}: rclone is still running long after cloudplow")
            self._judge_books(f"after step {number}")
            with self._may_be_late():
                remark = interrupting.after_its_end(step, place, self._copies)
                self._result.remarks += [remark] if remark else []
            self._copies.take(place.state)
        time.sleep(step.rest_seconds)

    @contextlib.contextmanager
    def _may_be_late(self) -> Iterator[None]:
        """Count an interruption whose moment never came."""
        try:
            yield
        except interrupting.LateError:
            self._result.missed += 1

    def _finish(self) -> None:
        place, result = self._place, self._result
        place.drive.set_settings(bandwidth=None)
        status = None
        while result.last_uploads < _MOST_LAST_UPLOADS:
            result.last_uploads += 1
            self._upload = place.start()
            status = self._wait_for_end(self._upload, "the last upload")
            if status != 3 or not self._judge_rest(3):
                break
            time.sleep(result.scenario.landing_seconds)
        if not place.wait_until_quiet(landed=True):
            self._find(Fault.ENDED_BADLY, "connections are still open after the last upload")
        self._judge_books("at the end", at_end=True)
        result.findings += self._judge_rest(-1 if status is None else status)
        files = self._files()
        excused = self._provoked | judging.sent_again(place.drive.usages(), place.drive.files().values())
        result.findings += judging.judge_denials(place.drive.usages(), excused)
        result.findings += judging.judge_files(files)
        result.findings += judging.judge_told(files, telling.read_told(place.told_path), self._kills)
        result.findings += judging.judge_outputs(place.outputs())
        result.too_late = self._was_too_late()
        if place.drive.problems():
            result.defect = "\n".join(place.drive.problems())

    def _was_too_late(self) -> bool:
        """Whether a file of a killed upload appeared after the landing time, so that nobody can be blamed."""
        longest = self._result.scenario.landing_seconds
        return any(
            began < cut_off_at and ended > cut_off_at + longest
            for cut_off_at in self._cut_off_at
            for began, ended in self._place.drive.finished()
        )

    def _wait_for_end(self, upload: Upload, what: str) -> int | None:
        status = upload.wait(PATIENCE_SECONDS)
        if status is None:
            self._find(Fault.ENDED_BADLY, f"{what}: still running after {PATIENCE_SECONDS:.0f} s")
            upload.send(signal.SIGABRT)
            upload.kill_all()
        return status

    def _judge_books(self, when: str, *, at_end: bool = False) -> None:
        drive = self._place.drive.usages()
        try:
            found = books.read_books(self._place)
        except books.UnreadableError as error:
            self._find(Fault.ENDED_BADLY, f"{when}: the books cannot be read: {error}")
            return
        self._result.findings += judging.judge_books(found, drive, when)
        if at_end:
            scenario = self._result.scenario
            cut_off = scenario.kinds & {Kind.NETWORK_CUT, Kind.LOST_ANSWERS}
            in_vain_bytes = scenario.transfers * _CHUNK_BYTES if cut_off else 0
            self._result.findings += judging.judge_end(found, drive, in_vain_bytes)

    def _judge_rest(self, status: int) -> list[Finding]:
        drive = self._place.drive
        # An account that was refused rests.
        denied = {name for name, usage in drive.usages().items() if usage.denials} | self._provoked
        limits = {name: self._result.scenario.quota_bytes for name in drive.usages() if name not in denied}
        return judging.judge_rest(self._files(), drive.usages(), limits, status)

    def _files(self) -> Files:
        place = self._place
        return Files(
            known=place.files,
            renamed=place.renamed,
            at_source=place.at_source(),
            arrived=place.arrived(),
            duplicates=place.drive.duplicates(),
            moving=self._result.scenario.command == "move",
            stored_bytes=crypt.stored_bytes if self._result.scenario.crypt else int,
        )

    def _find(self, fault: Fault, text: str) -> None:
        self._result.findings.append(Finding(fault, 1, text))
