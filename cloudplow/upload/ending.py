"""How a session ends when nothing can run now, and what its last sentence says about what stays. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cloudplow.accounts.pool import AccountPool
from cloudplow.events import SessionOutcome
from cloudplow.events.sentences import count
from cloudplow.planning.planner import Plan
from cloudplow.units import format_bytes
from cloudplow.upload.bad_entries import all_cures
from cloudplow.upload.listing import Listing
from cloudplow.upload.own_files import own_sentence
from cloudplow.upload.queue_state import QueueState
from cloudplow.upload.reactions import React, Reaction
from cloudplow.upload.removal import STUCK

#: So often new files are taken after all others have gone; what still comes then is for the next upload.
ROUNDS_LIMIT: Final = 10

#: Flags with which rclone leaves files at the source on purpose, without an error.
KEEPING_FLAGS: Final = ("--ignore-existing", "--update", "-u", "--compare-dest", "--copy-dest")
_OFF: Final = (False, "false", "0", "")


def end_of(made: Plan, pool: AccountPool | None, queue: QueueState, listing: Listing, *, dry_run: bool) -> Reaction:
    """How a session ends of which nothing can run now. listing: the last one."""
    if made.waiting_files and made.next_capacity is None:
        aside = next((one for one in pool.accounts if one.failed_why), None) if pool else None
        example = f"; {aside.name}: {aside.failed_why}" if aside else ""
        return _failed(made.unplanned_why + example)
    if made.next_capacity is not None:
        room = format_bytes(made.next_capacity.bytes)
        used_up = "would be used up" if dry_run else "is used up"
        waiting = f"{count(made.waiting_files, 'file')} {'waits' if made.waiting_files == 1 else 'wait'}"
        why = f"the quota of every account {used_up}; {waiting} until the first {room} come back"
        return Reaction(React.END, why, made.next_capacity.at, outcome=SessionOutcome.QUOTA_USED)
    given_up = queue.given_up()
    if given_up:
        name, error = next(iter(given_up.items()))
        if error.startswith(STUCK):
            return _failed(f"{count(len(given_up), 'file')} could not be moved, for example {name!r}: {error}")
        why = f"{count(len(given_up), 'file')} could not be uploaded, for example {name!r}: {error}"
        if "permission denied" in error:
            why += "; fix its permissions, or add it to rclone_excludes"
        return _failed(why)
    if listing.bad:
        return _failed(all_cures(listing.bad))
    if not listing.is_whole:
        return _failed("folders vanish faster than rclone can list them, so there may be more files: start again")
    return Reaction(React.END, outcome=SessionOutcome.DONE)


def _failed(why: str) -> Reaction:
    return Reaction(React.END, why, outcome=SessionOutcome.FAILED)


def too_many_rounds(queue: QueueState) -> Reaction:
    """Files keep coming: everything that was there at the start has gone."""
    files = count(len(queue.files), "file")
    why = f"files keep coming: {files} came while the others went, and the next upload takes them"
    return Reaction(React.END, why, outcome=SessionOutcome.SUSPENDED)


def keeping_flag(extras: Mapping[str, object], environ: Mapping[str, str]) -> str:
    """The flag by which rclone leaves files at the source on purpose; "" if there is none. Variables set flags, too."""
    for flag in KEEPING_FLAGS:
        variable = environ.get("RCLONE_" + flag.lstrip("-").replace("-", "_").upper(), "false")
        if extras.get(flag, variable) not in _OFF:
            return flag
    return ""


def what_stays(end: Reaction, listing: Listing, *, came: int, kept: int, flag: str, too_young: int, age: str) -> str:
    """The reason of an end, and what is left in the folder without being a fault.

    came: how many of the files left came since the last stage began; kept: files that rclone left because of `flag`;
    too_young: files that wait because of --min-age, which is `age`.
    """
    said = [end.why] if end.why else []
    if kept:
        other = "the destination has files of these names" if kept > 1 else "the destination has a file of this name"
        said.append(f"{count(kept, 'file')} {'stays' if kept == 1 else 'stay'}: {other} ({flag})")
    if came and end.outcome is not SessionOutcome.SUSPENDED:
        said.append(f"{count(came, 'file')} came since the last stage began")
    if listing.open_files:
        said.append(f"{count(listing.open_files, 'open file')} {'waits' if listing.open_files == 1 else 'wait'}")
    if too_young:
        said.append(f"{count(too_young, 'file')} younger than {age} {'waits' if too_young == 1 else 'wait'}")
    if listing.own_files:
        said.append(own_sentence(listing.own_files))
    return "; ".join(said)
