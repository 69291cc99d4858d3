"""The page in Chromium says what the document says, in many states; and each number of it that is changed is found."""

from __future__ import annotations

import copy
import re
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

import pytest

from cloudplow_dashboard.state.patches import merge
from cloudplow_dashboard.state.state import DashboardState
from cloudplow_dashboard.state.uploader_state import PARTS, UploaderState
from tests.agreement import page_known, reading
from tests.agreement.page_judge import mismatches
from tests.agreement.page_said import SCRIPT, look
from tests.agreement.reading import Figures
from tests.browser.gallery_states import GALLERY
from tests.browser.page_fixture import DOCUMENTS, serve_page
from tests.tools import chromium

if TYPE_CHECKING:
    from playwright.sync_api import Page as BrowserTab

STATES: Final = ("several", "waiting", "dry_run")
#: Numbers that are not compared: times of the day other than beginnings, the sentence (which repeats them), countdowns
#: of waits, a name, what is the same for all accounts, which document it is, and the history (`test_past.py`).
UNREAD: Final = re.compile(
    r"sentence/|accounts_note/.* each|capacity/.*at \d\d|session_note/\d+[hms]|"
    r"figures/.*(around|until|at) \d\d|figures/\d\d:\d\d|figures/[\dhms ]+$|percentiles/P|"
    r"(plan|queue)_rest/.*from|side/.*(around|ended) |accounts/403|side/.*\d\d:\d\d|title/|tabs/|connection/|chosen/|"
    r"history/|history_range/|version/"
)


@pytest.fixture(scope="module")
def browser_tab() -> Iterator[BrowserTab]:
    with chromium() as browser:
        yield browser.new_page()


def whole(document: Mapping[str, Any]) -> dict[str, Any]:
    """A document of the page's tests with everything that it leaves out."""
    found: dict[str, Any] = merge({**DashboardState().head(), "program": "running"}, document)
    blank = {part: UploaderState("").part(part, 0) for part in PARTS}
    row = {"free_bytes": 0, "in_flight_bytes": 0, "unsettled_bytes": 0}
    session = {"reason": "", "dry_run": False, "files_left": 0, "files_failed": 0, "sessions": 1}
    for name, u in found["uploaders"].items():
        told = {part: merge(blank[part], u[part]) if isinstance(blank[part], dict) else u[part] for part in u}
        accounts = {account: row | values for account, values in told.get("accounts", {}).items()}
        found["uploaders"][name] = (
            blank | told | {"accounts": accounts, "sessions": [session | one for one in told.get("sessions", [])]}
        )
    return found


def seen(tab: BrowserTab, state: str) -> tuple[Mapping[str, Any], Figures]:
    """The texts of the page in a state, and what it has to say."""
    with serve_page({**DOCUMENTS, **GALLERY}[state]()) as server:
        tab.goto(server.url)
        for selector in ("#page[data-drawn]", "#connection[data-mode=live]"):
            tab.wait_for_selector(selector)
        texts: Mapping[str, Any] = tab.evaluate(SCRIPT)
        document = whole(server.document)
    return texts, reading.state(document) | page_known.known(document)


def said(texts: Mapping[str, Any], figures: Figures) -> list[str]:
    """What does not agree."""
    try:
        return mismatches(look(texts, time.time(), time.time()), figures)
    except ValueError as error:
        return [str(error)]


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], str]]:
    """Every text, and where it is."""
    if isinstance(value, str):
        yield path, value
    else:
        for key, one in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(one, (*path, key))


def changed(texts: Mapping[str, Any], path: tuple[Any, ...], text: str) -> Mapping[str, Any]:
    """The same texts but for one."""
    other: Any = copy.deepcopy(texts)
    place = other
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = text
    return other  # type: ignore[no-any-return]


@pytest.mark.browser
@pytest.mark.parametrize("state", STATES)
def test_every_number_of_the_page_is_of_the_document_and_another_is_found(browser_tab: BrowserTab, state: str) -> None:
    texts, figures = seen(browser_tab, state)

    assert said(texts, figures) == []
    compared, unnoticed = 0, []
    for path, text in leaves(texts):
        for number in re.finditer(r"\d[\d.,]*", text):
            other = f"{(int(number[0][0]) + 4) % 9 + 1}{number[0][1:]}"
            wrong = text[: number.start()] + other + text[number.end() :]
            compared += 1
            if not said(changed(texts, path, wrong), figures) and not UNREAD.match(f"{path[0]}/{text}"):
                unnoticed.append((path, text, number[0]))
    assert unnoticed == []
    assert compared > 60


@pytest.mark.browser
def test_words_names_and_rows_that_are_wrong_are_found(browser_tab: BrowserTab) -> None:
    texts, figures = seen(browser_tab, "several")

    for path, text in leaves(texts):
        place = path[0]
        if place in ("tabs", "badge", "title") or (place in ("accounts", "plan", "transfers") and path[2] == 0):
            assert said(changed(texts, path, f"X{text}"), figures), path
    for place in ("tabs", "side", "transfers", "plan", "accounts"):
        assert said({**texts, place: texts[place][1:]}, figures), place
        assert said({**texts, place: texts[place][::-1]}, figures), place
    assert said({**texts, "chips": ["Dry run"]}, figures)
    assert said({**texts, "chips": ["cloudplow has ended: this is its last state"]}, figures)
    assert said({**texts, "sentence": "Uploading google; nothing from rclone for 7s"}, figures)
