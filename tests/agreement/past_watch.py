"""Asks for plans, exports and the history, a part of them in each round."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Sequence
from typing import Final

from tests.agreement import page_past, past, reading_past
from tests.agreement.page_said import Look
from tests.agreement.past import Curve
from tests.agreement.reading import Reading

#: What a path answered, of which version of the state document ("" where it does not say), between which epoch seconds.
Answer = tuple[bytes, str, float, float]
Fetch = Callable[[str], Answer]

#: How far back is asked, and by which step, in seconds: as the panel and the headline of the page ask.
SPANS: Final = ((3600, 10), (300, 3), (3600, 60), (86_400, 3600), (86_400, 300))
#: In turn: each metric of each span, and now and then an export.
TURNS: Final = tuple(itertools.product(SPANS, ("bytes", "speed", "files", "errors", "accounts")))
_EXPORT_EACH: Final = 4


class PastWatch:
    """What was read of the past. fetch: asks for a path; raises where nobody answers."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._rounds = 0
        self.curves: list[Curve] = []
        self.faults: list[str] = []
        #: Looks at the page's history that could be compared with an answer of the same time.
        self.compared = 0

    def versioned(self, names: Sequence[str]) -> list[Reading]:
        """What belongs to a version of the state document."""
        found = []
        for name in names:
            for path, read in (
                ("api/plan", lambda body, name=name: reading_past.plan(name)(json.loads(body))),
                ("api/export/session.json", lambda body: reading_past.files(json.loads(body))),
                ("api/export/session.csv", lambda body, name=name: reading_past.files_csv(name, body.decode())),
            ):
                asked = f"{path}?uploader={name}"
                body, version, began, ended = self._fetch(asked)
                found.append(Reading(asked, began, ended, read(body), version))
        return found

    def over_time(self, boot: str, names: Sequence[str], look: Look | None) -> None:
        """A part of the history. boot: of the process that answers; look: the last one at the page."""
        (reach, step), metric = TURNS[self._rounds % len(TURNS)]
        for name in ("", *names):
            self._curve(boot, (name, metric, reach, step))
        for name in names:
            wanted = page_past.as_asked(name, look.texts) if look is not None else None
            if wanted is not None:
                self._curve(boot, wanted)
        if self._rounds % _EXPORT_EACH == 0:
            self._exports(boot, names[self._rounds // _EXPORT_EACH % len(names)], reach, step)
        self._rounds += 1

    def _curve(self, boot: str, asked: tuple[str, str, int, int]) -> None:
        name, metric, reach, step = asked
        of = f"&uploader={name}" if name else ""
        body, _, began, ended = self._fetch(f"api/history?metric={metric}&since=-{reach}&step={step}{of}")
        answer = json.loads(body)
        self.faults += reading_past.parts(answer)
        self.curves.append(reading_past.curve(answer, ("api/history", boot, reach, began, ended)))

    def _exports(self, boot: str, name: str, reach: int, step: int) -> None:
        query = f"since=-{reach}&step={step}&uploader={name}"
        body, _, began, ended = self._fetch(f"api/export/history.json?{query}")
        self.curves += reading_past.exported(json.loads(body), ("history.json", boot, reach, began, ended))
        body, _, began, ended = self._fetch(f"api/export/history.csv?{query}")
        self.curves += reading_past.exported_csv(name, body.decode(), ("history.csv", boot, reach, began, ended))

    def judged(self, happened: past.Happened, looks: Sequence[Look]) -> list[str]:
        """Everything that does not agree."""
        return [*self.faults, *past.disagreements(self.curves, happened), *self._page(looks)]

    def _page(self, looks: Sequence[Look]) -> list[str]:
        by_question: dict[tuple[str, str, int, int], list[Curve]] = {}
        for one in self.curves:
            by_question.setdefault((one.uploader, one.metric, one.reach, one.step), []).append(one)
        found = []
        for look in looks:
            asked = page_past.as_asked(look.texts["chosen"], look.texts)
            if asked is None or not page_past.is_settled(look, looks):
                continue
            try:
                said = page_past.history(look.texts, look.began)
            except ValueError as error:
                found.append(f"page, {look.began:.1f}: {error}")
                continue
            if said is not None:
                fault = page_past.history_fault(said, asked[0], look.ended, by_question.get(asked, []))
                self.compared += fault is not None
                fault = fault or page_past.history_age_fault(said, look, looks)
                found += [f"page, {look.began:.1f}: {fault}"] if fault else []
        return found
