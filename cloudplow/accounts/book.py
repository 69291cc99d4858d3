"""What a book of quota must do. `cloudplow.accounts.ledger` is the one of this host; one that several hosts share is
one more implementation.

Accounts are named by identity (`cloudplow.accounts.identity`), never by a path. Sizes are in bytes, times in epoch
seconds of the book's own clock (`now`), which goes on steadily when the machine's clock leaps.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from cloudplow.accounts.booked_stage import Stage, StageFile
from cloudplow.models import Return


class RefusedError(Exception):
    """The account cannot take that much any more: plan again."""


class Standing(NamedTuple):
    """An account at one moment. Times are epoch seconds.

    spent: what has been spent and comes back when; planned_on: the same with what is reserved, as if that were spent
    now; both in order of time. ever_bytes: spent ever; denied: until when and why it is refused; in_flight_bytes,
    unsettled_bytes: as the methods of `Book`.
    """

    spent: tuple[Return, ...]
    planned_on: tuple[Return, ...]
    ever_bytes: int
    denied: tuple[float, str] | None
    in_flight_bytes: int
    unsettled_bytes: int


class Book(Protocol):
    """Charges, denials, learned limits, and stages until they are settled."""

    def now(self) -> float:
        """Epoch seconds."""

    def rehearsal(self) -> Book:
        """A copy for a dry run: it knows what is spent, what happens in it is never saved."""

    def standing(self, account: str) -> Standing:
        """All about an account, at one moment."""

    def used_bytes(self, account: str, *, with_reserved: bool = False) -> int:
        """What all uploaders have spent on an account within their windows; optionally with what is reserved."""

    def owed_bytes(self, account: str) -> int:
        """What stages have spent on an account beyond their charges, without knowing by which files."""

    def returns(self, account: str, *, with_reserved: bool = True) -> tuple[Return, ...]:
        """What comes back when, in order of time. with_reserved: reserved bytes too, as if they were spent now."""

    def deny(self, uploader: str, account: str, until: float, why: str) -> None:
        """Google refuses this account until then."""

    def denied(self, account: str) -> tuple[float, str] | None:
        """Until when and why the account is refused; None if it is not."""

    def denied_within(self, account: str, seconds: float) -> bool:
        """Whether the account is refused now, or was within the last `seconds`."""

    def learn_limit(self, uploader: str, account: str, limit_bytes: int, configured_bytes: int) -> None:
        """The account was refused at less than the configured quota."""

    def learned_limit(self, uploader: str, configured_bytes: int) -> int | None:
        """The smallest limit at which any account of the uploader was refused, for this configured quota."""

    def know(self, uploader: str, account: str, key: str) -> None:
        """An account of the pool, and the path of its key file, which is only a label."""

    def open_stage(
        self,
        uploader: str,
        account: str,
        files: Sequence[StageFile],
        *,
        account_name: str,
        destination: str,
        folder: str,
        moving: bool,
        landing_seconds: float = 0.0,
        limit_bytes: int | None,
    ) -> Stage:
        """Reserve what a stage plans; its list and reservation are safely on disk when this returns.

        landing_seconds: how long what it has sent may take to appear, until that is known better.
        limit_bytes: what the account may spend in all; None for any. Raises RefusedError, StateError.
        """

    def sent(self, stage: Stage, name: str, size_bytes: int) -> None:
        """A file of a stage was uploaded and took so much of the quota."""

    def done(self, stage: Stage, name: str) -> None:
        """It was told that a file of a stage is done."""

    def wasted(self, stage: Stage, size_bytes: int) -> None:
        """An upload took quota, but no file came of it."""

    def owe(self, stage: Stage, size_bytes: int, sent_of: Mapping[str, int]) -> None:
        """So much more was spent, perhaps by files in doubt: it counts once they are settled, at the latest.

        sent_of: what was sent of such a file besides, by name; if the file has arrived, that was spent as well.
        """

    def give_back(self, uploader: str, account: str, size_bytes: int) -> None:
        """Uploads of a settled stage took so much less than was charged for them."""

    def note_progress(self, stage: Stage, in_flight_bytes: int, landing_seconds: float) -> None:
        """A stage runs: so much is on its way, and what it has sent may take so long to appear."""

    def end_stage(self, stage: Stage, doubtful: Collection[str], landing_seconds: float) -> None:
        """rclone has ended. doubtful: names of files that may have been uploaded; the other waiting ones were not."""

    def settle(self, stage: Stage, found: Mapping[str, int], free: Collection[str], told: Collection[str]) -> None:
        """The destination was asked. found: what each file that had arrived took, by name; free: not uploaded.

        told: the files of `found` that are done; the others are still at the source. If this gets lost in a power cut,
        the destination is asked again.
        """

    def renamed(self, stage: Stage, names: Collection[str]) -> None:
        """These are in the folder under other names: unless they arrived, they were not uploaded."""

    def give_up(self, stage: Stage) -> None:
        """Nobody can be asked: what is in doubt counts as spent as late as it can have arrived."""

    def unsettled(self, uploader: str) -> list[Stage]:
        """An uploader's stages that have ended (or whose process has) and are not settled, the oldest first."""

    def arrived(self, uploader: str) -> Mapping[str, StageFile]:
        """Files that are still at the source, though an earlier stage has uploaded them; by name."""

    def forget_arrived(self, uploader: str, names: Collection[str]) -> None:
        """These have left the source, or have changed."""

    def fact(self, name: str) -> Any:
        """A value that another part of the program keeps in the book, JSON-ready; None when there is none."""

    def set_fact(self, name: str, value: Any) -> None:
        """Keep a value; it is on disk within about a second."""
