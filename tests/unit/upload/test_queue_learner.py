"""When rclone is not asked for another listing: only when everything has left, which a look at the folder shows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from cloudplow.models import QueueFile
from cloudplow.rclone.background import Background
from cloudplow.upload import queue_learner
from cloudplow.upload.bad_entries import BadEntry, Trouble
from cloudplow.upload.context import Context
from cloudplow.upload.controls import SessionControls
from cloudplow.upload.listing import Listing
from cloudplow.upload.queue_learner import QueueLearner
from cloudplow.upload.queue_state import QueueState
from cloudplow.upload.source_folder import SourceFolder
from cloudplow.upload.task import UploadTask

ONE = Listing([QueueFile("Show/S01E02.mkv", 5)], "lsf")
NOTHING = Listing([], "lsf")
ASKED = ["rclone was asked", "the folder was checked"]

Make = Callable[..., tuple[QueueLearner, list[str]]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "Media" / "Show").mkdir(parents=True)
    return tmp_path / "Media"


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Make:
    """Gives a learner whose rclone finds these listings, in turn, and what is looked at."""

    def made(*listings: Listing, moving: bool = True) -> tuple[QueueLearner, list[str]]:
        left, looks = list(listings), list[str]()

        def learn(*_more: Any) -> Listing:
            looks.append("rclone was asked")
            return left.pop(0)

        monkeypatch.setattr(queue_learner, "learn_queue", learn)
        book = SimpleNamespace(arrived=lambda _name: [], forget_arrived=lambda *_: None)
        context = SimpleNamespace(
            clock=lambda: 0.0, now=lambda: 0.0, book=book, listing=lambda _job: Background(lambda: None, "a listing")
        )
        task = SimpleNamespace(name="google", folder=folder, moving=moving, job=SimpleNamespace(dry_run=False))
        source = SimpleNamespace(check=lambda: looks.append("the folder was checked"))
        learner = QueueLearner(
            cast(Context, context),
            cast(UploadTask, task),
            QueueState(),
            None,
            cast(SourceFolder, source),
            folder / "never.list",
            lambda *_args, **_fields: None,
            SessionControls(),
        )
        return learner, looks

    return made


def test_everything_has_left_after_a_stage_and_only_the_folder_is_looked_at(make: Make) -> None:
    learner, looks = make(ONE)
    learner.learn()
    learner.note_stage()

    learner.learn()

    assert looks == [*ASKED, "the folder was checked"]
    assert (learner.is_final, learner.last) == (True, NOTHING)


def test_the_first_listing_is_always_rclones(make: Make) -> None:
    learner, looks = make(NOTHING)

    learner.learn()

    assert looks == ASKED


def test_a_file_that_came_meanwhile_is_listed_by_rclone(make: Make, folder: Path) -> None:
    learner, looks = make(ONE, ONE)
    learner.learn()
    learner.note_stage()
    (folder / "Show" / "S01E02.mkv").touch()

    learner.learn()

    assert looks == ASKED * 2


@pytest.mark.parametrize(
    "before", [ONE._replace(is_whole=False), ONE._replace(bad=(BadEntry("lost+found", Trouble.ENDED, "denied"),))]
)
def test_what_could_not_be_listed_before_is_asked_for_again(make: Make, before: Listing) -> None:
    learner, looks = make(before, NOTHING)
    learner.learn()
    learner.note_stage()

    learner.learn()

    assert looks == ASKED * 2


def test_files_of_a_copy_stay_so_rclone_compares(make: Make) -> None:
    learner, looks = make(ONE, NOTHING, moving=False)
    learner.learn()
    learner.note_stage()

    learner.learn()

    assert looks == ASKED * 2
