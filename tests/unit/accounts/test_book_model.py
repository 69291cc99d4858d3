"""The book against the truth: whatever is killed, lost or set wrong, it never says less than the Drive counts.

Every step of every write may be the last one of its process (`fake_disk`); true time and what the Drive counted are
kept apart (`fake_world`). What the book cannot know is allowed for, with the reason, in `book_site`.
"""

from __future__ import annotations

import logging
from typing import Final

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from cloudplow.accounts.book import RefusedError
from cloudplow.accounts.booked_stage import FileState, StageFile
from cloudplow.state.state_files import LEDGER_FILE
from tests.examples import examples
from tests.unit.accounts.book_site import MINUTE, Site
from tests.unit.accounts.fake_disk import FILES
from tests.unit.accounts.fake_world import ACCOUNTS, WINDOWS, Denied, Phantom
from tests.unit.helpers import DAY, HOUR

YEAR: Final = 365 * DAY

UPLOADERS = st.sampled_from(list(WINDOWS))
WHICH = st.integers(0, 1)
PAUSES = st.sampled_from([1.0, 20 * MINUTE, 5 * HOUR, DAY])
OFFSETS = st.sampled_from([0.0, 0.0, -3 * HOUR, 3 * HOUR, -30 * HOUR, 30 * HOUR, YEAR, -YEAR])
GAPS = st.sampled_from([5.0, 10 * MINUTE, 5 * HOUR, 20 * HOUR, 3 * DAY])
SIZES = st.lists(st.integers(1, 400), min_size=1, max_size=3)
LANDINGS = st.sampled_from([60.0, 900.0])
SHARES = st.sampled_from([0.0, 0.5, 1.0])
HOWS = st.lists(st.sampled_from(["told", "half", "untold", "gone", "not"]), min_size=3, max_size=3)
#: After how many steps at the disk the process is killed.
STEPS = st.integers(0, 30)
DAMAGES = st.sampled_from(["older", "removed", "torn"])


class BookMachine(RuleBasedStateMachine):
    """Two uploaders, three accounts, one state folder."""

    @initialize()
    def begin(self) -> None:
        logging.disable(logging.CRITICAL)
        self.site = Site()

    def teardown(self) -> None:
        if hasattr(self, "site"):
            self.site.disk.close()
        logging.disable(logging.NOTSET)

    # Stages

    @rule(uploader=UPLOADERS, which=WHICH, sizes=SIZES, moving=st.booleans(), limit=st.sampled_from([None, 1500]))
    def open(self, uploader: str, which: int, sizes: list[int], moving: bool, limit: int | None) -> None:
        site, account = self.site, ACCOUNTS[uploader][which]
        if uploader in site.running:
            return
        files = site.candidates(uploader, sizes, moving=moving)

        def opening() -> None:
            site.running[uploader] = site.ledger.open_stage(
                uploader,
                site.identity(account),
                files,
                account_name=str(account),
                destination="google:",
                folder="/media",
                moving=moving,
                landing_seconds=MINUTE,
                limit_bytes=limit,
            )

        try:
            site.do(opening)
        except RefusedError:
            assert limit is not None

    @rule(uploader=UPLOADERS, place=st.integers(0, 2), how=st.sampled_from(["told", "half", "untold", "gone"]))
    def upload(self, uploader: str, place: int, how: str) -> None:
        """half: sent and not done; gone: it left the source, and nothing was told."""
        site = self.site
        stage = site.running.get(uploader)
        if stage is None or place >= len(stage.files):
            return
        file = stage.files[place]
        if stage.states[place] != FileState.WAITING or file.name not in site.source[uploader]:
            return
        if site.is_uploaded(stage, file.name):
            return
        already_there = (uploader, file.name) in site.drive.files
        if not already_there:
            site.drive.upload(site.spent(stage, file.size), file.name)
            if how in ("told", "half"):
                site.ledger.sent(stage, file.name, file.size)
        if how == "told":
            site.ledger.done(stage, file.name)
        if how in ("told", "gone") and stage.moving:
            del site.source[uploader][file.name]

    @rule(
        uploader=UPLOADERS,
        which=WHICH,
        sizes=SIZES,
        moving=st.booleans(),
        hows=HOWS,
        landing=LANDINGS,
        share=SHARES,
        saved=st.booleans(),
        end=st.sampled_from(["well", "with doubts", "not", "not"]),
    )
    def run_stage(
        self,
        uploader: str,
        which: int,
        sizes: list[int],
        moving: bool,
        hows: list[str],
        landing: float,
        share: float,
        saved: bool,
        end: str,
    ) -> None:
        """A whole stage, or all but its end."""
        self.open(uploader, which, sizes, moving, None)
        for place, how in enumerate(hows):
            if how != "not":
                self.upload(uploader, place, how)
        if saved:
            self.saver_ticks()
        if uploader in self.site.running:
            self.site.ledger.note_progress(self.site.running[uploader], 0, landing)
        if end != "not":
            self.end(uploader, end == "well", share, landing)

    @rule(uploader=UPLOADERS, size=st.integers(1, 400))
    def waste(self, uploader: str, size: int) -> None:
        """All of a file was sent, and then it was refused: only the charge knows."""
        site = self.site
        if uploader in site.running:
            site.drive.spent.append(site.spent(site.running[uploader], size, only_charged=True))
            site.ledger.wasted(site.running[uploader], size)

    @rule(uploader=UPLOADERS, well=st.booleans(), share=SHARES, landing=LANDINGS)
    def end(self, uploader: str, well: bool, share: float, landing: float) -> None:
        """well: by itself; else anything that was not told may have arrived, or still will."""
        if uploader in self.site.running:
            if not well:
                self.site.send_off(self.site.running[uploader], share, landing)
            self.site.end(uploader, 0.0 if well else landing)

    @rule(uploader=UPLOADERS)
    def give_up(self, uploader: str) -> None:
        """The destination is no longer configured."""
        for stage in self.site.ledger.unsettled(uploader):
            self.site.count_all(stage)
            self.site.ledger.give_up(stage)

    # Time

    @rule(seconds=PAUSES, saved=st.booleans(), settled=st.booleans())
    def time_passes(self, seconds: float, saved: bool, settled: bool) -> None:
        if saved:
            self.saver_ticks()
        self.site.pass_time(seconds, settling=settled)

    @rule(offset=OFFSETS, seconds=PAUSES)
    def clock_is_set(self, offset: float, seconds: float) -> None:
        self.site.machine.offset = offset
        self.site.notice_clock()
        self.site.lag()
        self.site.pass_time(seconds)

    @rule(seconds=st.sampled_from([-45.0, 45.0]))
    def clock_is_corrected_a_little(self, seconds: float) -> None:
        site = self.site
        if not site.drive.landing and not site.machine.offset:
            site.machine.offset += seconds

    # Starts

    @rule(orderly=st.booleans(), share=SHARES, kill_in=st.none() | STEPS, pause=st.just(0.0) | PAUSES)
    def restart(self, orderly: bool, share: float, kill_in: int | None, pause: float) -> None:
        site = self.site
        if orderly:
            site.leave()
        else:
            site.kill(share)
        site.pass_time(pause)
        site.disk.full_in, site.disk.kill_in = None, kill_in
        site.start([*WINDOWS])

    @rule(share=SHARES, off=GAPS, offset=st.none() | OFFSETS, saved=st.booleans())
    def reboot(self, share: float, off: float, offset: float | None, saved: bool) -> None:
        """offset: how wrong the clock is afterwards; None: as wrong as before."""
        if saved:
            self.saver_ticks()
        self.site.kill(share)
        machine = self.site.machine
        machine.reboot(off, machine.offset if offset is None else offset)
        self.site.drive.land(machine.true, -self.site.error)  # the book dates it by the clock before
        self.site.start([*WINDOWS])

    @rule(name=st.sampled_from(FILES), how=DAMAGES, place=st.integers(0, 9), share=SHARES)
    def a_file_is_damaged(self, name: str, how: str, place: int, share: float) -> None:
        self.site.kill(share)
        self.site.damage(name, how, place)
        self.site.start([*WINDOWS])

    @rule(share=SHARES)
    def an_uploader_is_not_configured_for_a_while(self, share: float) -> None:
        self.site.kill(share)
        self.site.start(["day"])
        self.site.leave()
        self.site.disk.full_in = None
        self.site.start([*WINDOWS])

    @rule(steps=STEPS)
    def will_be_killed(self, steps: int) -> None:
        self.site.disk.kill_in = steps

    @rule(steps=st.none() | st.integers(0, 4))
    def disk_is_full(self, steps: int | None) -> None:
        """None: no longer."""
        self.site.disk.full_in = steps

    # Accounts

    @rule(uploader=UPLOADERS, which=WHICH, seconds=st.sampled_from([HOUR, DAY]))
    def deny(self, uploader: str, which: int, seconds: float) -> None:
        site, account = self.site, ACCOUNTS[uploader][which]
        site.lag()
        known = site.denied.get((uploader, account))
        if known is None or known.until < site.machine.true + seconds:
            site.denied[uploader, account] = Denied(site.machine.true + seconds)
        until = site.ledger.now() + seconds
        site.do(lambda: site.ledger.deny(uploader, site.identity(account), until, "its limit"))

    @rule(account=st.integers(0, 2))
    def correct(self, account: int) -> None:
        """Somebody looked at the Drive. The longest window counts: the charge is one uploader's."""
        site = self.site
        if any(one.account == account for one in site.drive.landing):
            return
        uploader = "day" if account < 2 else "short"
        lag, true = site.lag(), site.machine.true
        spent = [one for one in site.drive.spent if one.account == account]
        used = sum(one.bytes for one in spent if one.back_at() > true)
        site.drive.phantoms.append(Phantom(account, uploader, used, true))
        site.denied = {key: one for key, one in site.denied.items() if key[1] != account}
        for one in spent:
            one.lag = lag
        if site.do(lambda: site.ledger.correct(uploader, site.identity(account), used)):
            for one in spent:
                one.only_charged = False

    @rule()
    def key_can_be_read(self) -> None:
        self.site.key_can_be_read()

    # Writing

    @rule()
    def saver_ticks(self) -> None:
        self.site.save()

    @rule()
    def exports_are_written(self) -> None:
        self.site.do(lambda: self.site.process.files.save_now(LEDGER_FILE))

    @rule(uploader=UPLOADERS, size=st.integers(1, 400))
    def rehearse(self, uploader: str, size: int) -> None:
        """A dry run changes nothing."""
        site = self.site
        site.lag()
        before, used = site.disk.content(), site.used()
        book, account = site.ledger.rehearsal(), site.identity(ACCOUNTS[uploader][0])
        files = [StageFile(name, size, size) for name in ("dry", "drier")]
        stage = book.open_stage(uploader, account, files, account_name="", destination="", folder="", moving=False)
        book.sent(stage, "dry", size)
        book.done(stage, "dry")
        assert book.used_bytes(account, with_reserved=True) >= 2 * size
        book.end_stage(stage, (), 0)
        book.deny(uploader, account, book.now() + DAY, "")
        for unsettled in book.unsettled(uploader):
            book.give_up(unsettled)
        assert site.used() == used
        assert site.disk.content() == before

    # What must hold

    @invariant()
    def book_and_drive_agree(self) -> None:
        if hasattr(self, "site"):
            self.site.notice_clock()
            self.site.lag()
            self.site.check_never_below(self.site.ledger)
            self.site.check_exact()
            self.site.check_denied()


TestBookMachine = BookMachine.TestCase
TestBookMachine.settings = settings(max_examples=examples(150), stateful_step_count=30)
