"""The page in a real browser, opened as soon as somebody answers, and left open whatever happens to the program."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from tests.agreement.page_said import SCRIPT
from tests.tools import listens

if TYPE_CHECKING:
    from playwright.sync_api import Page as BrowserTab

#: After so many looks the next uploader is chosen.
LOOKS_EACH: Final = 8
#: And after so many something else of the history: speed, bytes, files, failures.
LOOKS_AT_PAST: Final = 60
#: A page that is not drawn by then is not drawn at all.
OPENING_MILLISECONDS: Final = 10_000
_CHOOSE_PAST: Final = """() => {
  const choices = [...document.querySelectorAll("#history .choices:first-child .choice")].slice(0, 4);
  const at = choices.findIndex((choice) => choice.getAttribute("aria-pressed") === "true");
  choices[(at + 1) % choices.length]?.click();
}"""
_CHOOSE_NEXT: Final = """() => {
  const tabs = [...document.querySelectorAll("#uploaders .tab")].filter((tab) => tab.checkVisibility());
  const at = tabs.findIndex((tab) => tab.getAttribute("aria-pressed") === "true");
  tabs[(at + 1) % tabs.length]?.click();
}"""


class Tab:
    """Reads its texts; now and then it looks at the next uploader, as a person would."""

    def __init__(self, tab: BrowserTab, address: str) -> None:
        self._tab = tab
        # All panels are in view: the history is asked for while somebody looks at it.
        tab.set_viewport_size({"width": 1280, "height": 3000})
        self._address = address
        self._looks = 0

    def __call__(self) -> Mapping[str, Any] | None:
        """The texts, None as long as there is no page."""
        if not self._looks:
            from playwright.sync_api import Error

            if not listens(int(self._address.rstrip("/").rpartition(":")[2])):
                return None
            # The program may end before its page has been read: then the next one's is opened.
            with suppress(Error):
                self._tab.goto(self._address, wait_until="domcontentloaded")
                self._tab.wait_for_selector("#page[data-drawn]", timeout=OPENING_MILLISECONDS)
                self._looks = 1
            return None  # it took a while: what was read now would have been asked for long ago
        self._looks += 1
        if self._looks % LOOKS_AT_PAST == 0:
            self._tab.evaluate(_CHOOSE_PAST)
        if self._looks % LOOKS_EACH == 0:
            self._tab.evaluate(_CHOOSE_NEXT)
            # Drawn with the next frame.
            self._tab.evaluate("() => new Promise((next) => requestAnimationFrame(() => setTimeout(next)))")
        texts: Mapping[str, Any] = self._tab.evaluate(SCRIPT)
        return texts
