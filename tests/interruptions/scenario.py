"""What happens in one round, chosen by its seed. Values and random choice only; sizes in bytes, times in seconds."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from tests.fake_drive import Mode

MB: Final = 1_000_000
MIXED: Final = "mixed"


class Kind(StrEnum):
    """A way to interrupt an upload; the value is its name in the table.

    After some of them cloudplow has ended; after those in `GOES_ON` it is still running, or ends by itself.
    """

    KILL_CLOUDPLOW = "kill -9 of cloudplow"
    KILL_BOTH = "kill -9 of both"
    KILL_RCLONE = "kill -9 of rclone"
    TERM = "SIGTERM"
    TERM_TWICE = "SIGTERM twice"
    INT = "SIGINT"
    INT_TWICE = "SIGINT twice"
    STOP = "cloudplow stop"
    STOP_NOW = "cloudplow stop --now"
    SUSPEND = "SIGSTOP for a while"
    LATE_FILES = "kill -9, files arrive late"
    LOST_ANSWERS = "answers lost"
    RENAMED = "kill -9, folder renamed"
    NETWORK_CUT = "network cut"
    STATE_FULL = "state folder full"
    STATE_NO_INODES = "state folder without inodes"
    STATE_READ_ONLY = "state folder read-only"
    SLOW_FSYNC = "kill -9, fsync takes 0.6 s"
    BOOK_OLDER = "kill -9, book replaced by an older copy"
    BOOK_REMOVED = "kill -9, book removed"
    BOOK_TORN = "kill -9, book torn"


GOES_ON: Final = frozenset(
    {
        Kind.KILL_RCLONE,
        Kind.SUSPEND,
        Kind.LOST_ANSWERS,
        Kind.NETWORK_CUT,
        Kind.STATE_FULL,
        Kind.STATE_NO_INODES,
        Kind.STATE_READ_ONLY,
    }
)
STATE_KINDS: Final = frozenset({Kind.STATE_FULL, Kind.STATE_NO_INODES, Kind.STATE_READ_ONLY})
BOOK_KINDS: Final = frozenset({Kind.BOOK_OLDER, Kind.BOOK_REMOVED, Kind.BOOK_TORN})
#: cloudplow gets no chance to say anything more.
KILLS: Final = BOOK_KINDS | {
    Kind.KILL_CLOUDPLOW,
    Kind.KILL_BOTH,
    Kind.LATE_FILES,
    Kind.RENAMED,
    Kind.SLOW_FSYNC,
}
#: A round has at most one of these: whoever loses two of them at once has lost the books.
_ONCE: Final = STATE_KINDS | BOOK_KINDS


class Aim(StrEnum):
    """The moment of an interruption; counted from the start of the step.

    STAGE_OPENS, STAGE_ENDS: the rclone of the n-th stage appears, or has ended. FIRST_FILE: bytes arrive.
    FILE_ARRIVED: the Drive has the n-th file, which rclone may not have said yet. BOOK_WRITTEN: the n-th change of a
    file in the state folder. DENIAL: an account was denied (the harness lowers its limit).
    """

    START = "start"
    RANDOM = "random"
    STAGE_OPENS = "stage opens"
    STAGE_ENDS = "stage ends"
    FIRST_FILE = "first file"
    FILE_ARRIVED = "file arrived"
    BOOK_WRITTEN = "book written"
    DENIAL = "denial"


#: How often each is chosen, up to which n, and how long after it the interruption comes at most.
_AIMS: Final[dict[Aim, tuple[int, int, float]]] = {
    Aim.START: (2, 1, 0.5),
    Aim.RANDOM: (3, 1, 5.0),
    Aim.STAGE_OPENS: (3, 3, 0.1),
    Aim.STAGE_ENDS: (4, 3, 0.15),
    Aim.FIRST_FILE: (2, 1, 0.8),
    Aim.FILE_ARRIVED: (4, 15, 0.03),
    Aim.BOOK_WRITTEN: (2, 6, 0.005),
    Aim.DENIAL: (1, 1, 0.3),
}
#: Kinds that only hurt at certain moments: on a slow disk when something is written, late files when there are some.
_AIMS_OF: Final[dict[Kind, tuple[Aim, ...]]] = {
    Kind.SLOW_FSYNC: (Aim.STAGE_OPENS, Aim.STAGE_ENDS, Aim.STAGE_ENDS, Aim.BOOK_WRITTEN),
    Kind.LATE_FILES: (Aim.FIRST_FILE, Aim.FIRST_FILE, Aim.FILE_ARRIVED, Aim.RANDOM),
}
#: How many rounds have an encrypted destination.
_CRYPT_SHARE: Final = 0.3
#: What the system may hold of one connection's bytes after its sender was killed. They still arrive.
_BUFFERED_BYTES: Final = 3_500_000


@dataclass(frozen=True, slots=True)
class Step:
    """One interruption.

    number: the n of the aim. after_seconds: from the moment to the interruption. lasting_seconds: of what lasts.
    rest_seconds: until the next start; with 0 nothing is waited for, not even the rest of the old processes.
    choice: 0 to 1, for whatever else the kind has to choose.
    """

    kind: Kind
    aim: Aim
    number: int
    after_seconds: float
    lasting_seconds: float
    rest_seconds: float
    choice: float

    def __str__(self) -> str:
        number = f" {self.number}" if _AIMS[self.aim][1] > 1 else ""
        return f"{self.kind} @ {self.aim}{number} + {self.after_seconds:.3f} s"


@dataclass(frozen=True, slots=True)
class Scenario:
    """One round. label: the kind whose round this is, or `MIXED`. bandwidth: of the Drive, bytes per second.

    chunk_bytes: None leaves rclone's own 8 MiB. landing_seconds: what cloudplow is told to wait for late files.
    crypt: the files are encrypted, so the destination has no hashes, and cloudplow itself removes what has arrived.
    """

    seed: int
    label: str
    rclone: str
    command: str
    accounts: int
    quota_bytes: int
    mode: Mode
    sizes: tuple[int, ...]
    transfers: int
    chunk_bytes: int | None
    bandwidth: int
    landing_seconds: float
    steps: tuple[Step, ...]
    crypt: bool = False

    @property
    def kinds(self) -> frozenset[Kind]:
        """Every kind of interruption in it."""
        return frozenset(step.kind for step in self.steps)

    def __str__(self) -> str:
        return f"{self.command}{' to crypt' if self.crypt else ''}, " + "; ".join(map(str, self.steps))


def choose(
    seed: int,
    rclones: Sequence[str],
    kinds: Sequence[Kind] = tuple(Kind),
    *,
    landing_seconds: float = 4.0,
    crypt: bool | None = None,
) -> Scenario:
    """The scenario of a seed. Every kind is the label of as many rounds; a third of the rounds is mixed.

    rclones: paths, taken in turn. kinds: those to choose from. crypt: None leaves it to the seed.
    """
    numbers = random.Random(seed)
    turn, place = divmod(seed, len(kinds))
    kind, rclone = kinds[place], rclones[(turn + place) % len(rclones)]
    chosen = [kind] * numbers.randint(1, 3)
    if kind in _ONCE:
        chosen = [kind]
    if kind in BOOK_KINDS:
        # An older copy needs something that came after it.
        chosen = [numbers.choice((Kind.KILL_BOTH, Kind.TERM)), kind]
    mixed = len(kinds) > 1 and numbers.random() < 1 / 3
    if mixed:
        others = [other for other in kinds if other not in _ONCE]
        chosen += [numbers.choice(others or [kind]) for _ in range(3 - len(chosen))]
        if kind not in BOOK_KINDS:
            numbers.shuffle(chosen)
    steps = tuple(_step(numbers, one, landing_seconds) for one in chosen)
    command = "move" if Kind.RENAMED in chosen else numbers.choice(("move", "move", "copy"))
    accounts = numbers.randint(3, 5)
    quota_bytes = numbers.randint(20 * MB, 45 * MB)
    sizes = _sizes(numbers, int(accounts * quota_bytes * _share(numbers)), quota_bytes)
    transfers = numbers.choice((2, 4, 4, 8))
    # However much is on its way when all is killed: it arrives long before the landing time is over.
    least_bandwidth = transfers * _BUFFERED_BYTES / (landing_seconds / 4)
    return Scenario(
        seed=seed,
        label=MIXED if mixed and len(set(chosen)) > 1 else str(kind),
        rclone=rclone,
        command=command,
        accounts=accounts,
        quota_bytes=quota_bytes,
        mode=numbers.choice((Mode.MID_FILE, Mode.WOULD_EXCEED)),
        sizes=sizes,
        transfers=transfers,
        chunk_bytes=numbers.choice((None, 1 << 20)),
        bandwidth=int(max(sum(sizes) / numbers.uniform(3, 7), least_bandwidth)),
        landing_seconds=landing_seconds,
        steps=steps,
        # Numbers of its own, so that a seed is the same scenario with and without.
        crypt=random.Random(f"crypt {seed}").random() < _CRYPT_SHARE if crypt is None else crypt,
    )


def _step(numbers: random.Random, kind: Kind, landing_seconds: float) -> Step:
    if kind in _AIMS_OF:
        aim = numbers.choice(_AIMS_OF[kind])
    else:
        aim = numbers.choices(list(_AIMS), [weight for weight, _, _ in _AIMS.values()])[0]
    _, most, longest = _AIMS[aim]
    return Step(
        kind=kind,
        aim=aim,
        number=min(numbers.randint(1, most), numbers.randint(1, most)),
        after_seconds=numbers.uniform(0, longest),
        lasting_seconds=numbers.uniform(0.5, 4.0),
        rest_seconds=numbers.choice((0.0, numbers.uniform(0.2, 1.0), numbers.uniform(0.2, landing_seconds * 1.5))),
        choice=numbers.random(),
    )


def _share(numbers: random.Random) -> float:
    """How much of the whole quota the files are: mostly they fit."""
    return numbers.choice((numbers.uniform(0.4, 0.7), numbers.uniform(0.7, 0.95), numbers.uniform(1.1, 1.3)))


def _sizes(numbers: random.Random, total_bytes: int, quota_bytes: int) -> tuple[int, ...]:
    """Small and large files in any order, of about so many bytes together."""
    sizes: list[int] = []
    left = total_bytes
    while left > 2 * MB and len(sizes) < 80:
        large = numbers.random() < 0.4
        size = int(quota_bytes * numbers.uniform(0.1, 0.4)) if large else numbers.randint(1_000, 2 * MB)
        sizes.append(min(size, left))
        left -= sizes[-1]
    numbers.shuffle(sizes)
    return tuple(sizes)
