"""Every state has a word and a shape on the page."""

from __future__ import annotations

import re

import pytest

from cloudplow.events import UploaderState
from cloudplow_dashboard.state.document_words import Phase
from cloudplow_dashboard.web.assets import STATIC

TEXT = (STATIC / "js" / "words.js").read_text(encoding="utf-8")


def words() -> dict[str, list[str]]:
    found = re.search(r"const PHASES = \{\n(.*?)^\};", TEXT, re.MULTILINE | re.DOTALL)
    assert found is not None
    rows = re.findall(r"^  (\w+): \[(.+)\],$", found[1], re.MULTILINE)
    return {name: re.findall(r'"([^"]+)"', row) for name, row in rows}


@pytest.mark.parametrize("state", sorted({*UploaderState, *Phase}))
def test_every_state_has_a_word_of_its_own_and_a_shape(state: str) -> None:
    known = words()
    word, shape, tone = known[state]
    assert [name for name, row in known.items() if row[0] == word] == [state]
    assert shape
    assert tone in {"quiet", "accent", "warn", "ok", "bad"}
