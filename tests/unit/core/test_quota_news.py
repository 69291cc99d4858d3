"""What is told of quota that comes back while nothing uploads."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import inf

from cloudplow.errors import CloudplowError
from cloudplow.events import AccountQuota, AccountState, Event, QuotaChanged
from cloudplow.quota_news import LONGEST_SECONDS, QuotaNews

FRESH = AccountQuota(
    account="2.json",
    used_bytes=0,
    limit_bytes=1000,
    resets_at=None,
    state=AccountState.READY,
    why="",
    until=None,
)
SPENT = replace(FRESH, account="1.json", used_bytes=300, resets_at=1100.0, returns=((1100.0, 100), (1200.0, 200)))


@dataclass
class Place:
    now: float = 1000.0
    steady: float = 0.0
    look_seconds: float = 0.0
    again: float = 0.0
    quotas: list[AccountQuota] = field(default_factory=lambda: [SPENT, FRESH])
    fault: bool = False
    looks: int = 0
    told: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.news = QuotaNews(self._read, self.told.append, lambda: self.now, lambda: self.steady)

    def _read(self, uploader: str) -> list[AccountQuota]:
        assert uploader == "google"
        self.looks += 1
        self.steady += self.look_seconds
        if self.fault:
            raise CloudplowError("the folder is gone")
        return self.quotas

    def look_at(self, now: float) -> list[tuple[str, int]]:
        self.now = now
        self.told.clear()
        self.again = self.news.look("google")
        return [(one.account, one.used_bytes) for one in self.told if isinstance(one, QuotaChanged)]


def test_what_comes_back_is_told_once_and_nothing_is_looked_at_before() -> None:
    place = Place()
    assert place.look_at(1000) == []
    assert place.again == 100
    assert place.look_at(1099) == []
    assert place.looks == 1
    place.quotas[0] = replace(SPENT, used_bytes=200, resets_at=1200.0, returns=((1200.0, 200),))
    assert place.look_at(1100) == [("1.json", 200)]
    assert place.look_at(1199) == []
    assert place.looks == 2
    place.quotas[0] = replace(SPENT, used_bytes=0, resets_at=None, returns=())
    assert place.look_at(1200) == [("1.json", 0)]
    assert place.look_at(1200 + LONGEST_SECONDS - 1) == []
    assert place.looks == 3


def test_what_changes_by_hand_is_found_within_minutes() -> None:
    place = Place(quotas=[FRESH])
    place.look_at(1000)
    place.quotas[0] = replace(FRESH, used_bytes=500, resets_at=90_000.0)
    assert place.look_at(1000 + LONGEST_SECONDS) == [("2.json", 500)]


def test_looks_that_take_long_are_seldom() -> None:
    place = Place(quotas=[replace(SPENT, resets_at=1000.5)], look_seconds=0.05)
    place.look_at(1000)
    place.quotas[0] = replace(SPENT, used_bytes=250, resets_at=1001.5)
    assert place.look_at(1049) == []
    assert place.look_at(1050) == [("1.json", 250)]


def test_the_end_of_a_denial_is_told() -> None:
    denied = replace(FRESH, state=AccountState.DENIED, until=1500.0, why="userRateLimitExceeded")
    place = Place(quotas=[denied])
    place.look_at(1000)
    place.quotas[0] = FRESH
    assert place.look_at(1500) == [("2.json", 0)]


def test_what_a_session_tells_is_not_told_again_after_it() -> None:
    place = Place()
    place.look_at(1000)
    assert place.news.look("google", uploads=True) == inf
    place.quotas[1] = replace(FRESH, used_bytes=500, resets_at=90_000.0)
    assert place.look_at(1050) == []


def test_a_pool_that_cannot_be_read_is_the_next_uploads_business() -> None:
    place = Place()
    place.look_at(1000)
    place.fault = True
    assert place.look_at(1100) == []
    place.fault = False
    place.quotas[0] = replace(FRESH, account="1.json")
    assert place.look_at(1100 + LONGEST_SECONDS) == [("1.json", 0)]
