"""What a session still has to upload: the latest listing, minus what was uploaded, and what keeps failing. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable
from typing import Final

from cloudplow.models import QueueFile, printable_name

#: After failing in this many stages a file is not tried again in the session.
TRIES_PER_FILE: Final = 3
#: After changing so often while it was uploaded, neither is it: that would use up quota without end.
CHANGES_PER_FILE: Final = 5


class QueueState:
    """Owned by one session, on its thread."""

    def __init__(self) -> None:
        self.files: dict[str, QueueFile] = {}
        self.bytes = 0
        self._tries: Counter[str] = Counter()
        self._errors: dict[str, str] = {}
        self._finished: set[QueueFile] = set()
        self._doubtful: set[str] = set()
        self._kept: set[QueueFile] = set()
        self._changes: Counter[str] = Counter()

    @property
    def finished(self) -> Container[QueueFile]:
        """What was transferred and is still at the source (a copy)."""
        return self._finished

    def listed(self, files: Iterable[QueueFile], *, files_stay: bool) -> None:
        """Take a new listing. files_stay: transferred files are still listed (a copy), so they are left out here."""
        self.files = {file.name: file for file in files if not (files_stay and file in self._finished)}
        self.bytes = sum(file.size for file in self.files.values())
        if not files_stay:
            self._finished.clear()

    def forget(self, file: QueueFile) -> None:
        """A file was transferred."""
        known = self.files.pop(file.name, None)
        if known is not None:
            self.bytes -= known.size
            self._finished.add(known)

    def note_failure(self, name: str, error: str) -> None:
        """A file failed, or rclone skipped it. name: as listed."""
        self._tries[name] += 1
        self._errors[name] = error

    def note_changed(self, name: str) -> None:
        """A file was uploaded, but it is not that one any more, so it goes again. name: as listed."""
        self._changes[name] += 1
        if self._changes[name] >= CHANGES_PER_FILE:
            self._tries[name] = TRIES_PER_FILE
            self._errors[name] = "it keeps changing while it is uploaded (--min-age lets files rest first)"

    def note_kept(self, file: QueueFile) -> None:
        """rclone leaves a file at the source, because the user's flags say so. It is not tried again as it is."""
        self._kept.add(file)

    def kept(self) -> int:
        """How many files rclone leaves at the source."""
        return sum(1 for file in self._kept if self.files.get(file.name) == file)

    def note_skipped(self, names: Iterable[str]) -> None:
        """rclone ended well, but did not upload these. names: as listed."""
        for name in names:
            if name in self.files:
                self.note_failure(name, "rclone skipped it (perhaps because of a flag in rclone_extras)")

    def note_failures(self, failed: Iterable[tuple[str, str]], hopeless: Container[str] = frozenset()) -> None:
        """Files that failed, by the names in rclone's log, with the errors. hopeless: those that are given up."""
        by_shown = {printable_name(name): name for name in self.files}
        for shown, error in failed:
            if shown in by_shown:
                self.note_failure(by_shown[shown], error)
                if shown in hopeless:
                    self._tries[by_shown[shown]] = TRIES_PER_FILE

    def candidates(self) -> list[QueueFile]:
        """What may be planned: everything except files that failed too often, or that rclone leaves where they are.

        Those in `failed_before` go last.
        """
        if not self._tries and not self._kept:
            return list(self.files.values())
        tries, kept = self._tries, self._kept
        return [file for file in self.files.values() if tries[file.name] < TRIES_PER_FILE and file not in kept]

    def failed_before(self) -> dict[str, int]:
        """How often files failed in this session, by name: they must not hold up the others."""
        return dict(self._tries)

    def tried_unevenly(self) -> bool:
        """Whether some of the remaining files failed less often than others, and so go first."""
        tries = [self._tries[name] for name in self.files]
        return bool(tries) and min(tries) < max(tries)

    def given_up(self) -> dict[str, str]:
        """Files that failed too often, with their last errors."""
        return {
            name: self._errors[name]
            for name, tries in self._tries.items()
            if tries >= TRIES_PER_FILE and name in self.files
        }

    def still_doubtful(self, dropped: Iterable[QueueFile]) -> set[str]:
        """Take files that look changed before a stage; returns those that looked changed before an earlier one too."""
        names = {file.name for file in dropped}
        again = names & self._doubtful
        self._doubtful |= names
        return again
