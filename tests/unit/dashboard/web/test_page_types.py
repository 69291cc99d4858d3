"""The page's types of the state document are those of the server, and nothing but the page is shipped with it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import pytest

from cloudplow.distribution import SizeSample
from cloudplow_dashboard.state.state import DashboardState
from cloudplow_dashboard.state.uploader_state import PARTS, UploaderState
from cloudplow_dashboard.web.assets import STATIC

TYPES: Final = (STATIC.parent / "page_types" / "document.d.ts").read_text(encoding="utf-8")
#: Of what the page reads only a part; the others hold everything.
PARTLY: Final = {"DistributionDocument"}


def _interface(name: str) -> dict[str, str]:
    """The members of an interface and their types."""
    found = re.search(rf"^interface {name} \{{\n(.*?)^\}}", TYPES, re.MULTILINE | re.DOTALL)
    assert found, name
    return dict(re.findall(r"^  (\w+): (.+);$", found[1], re.MULTILINE))


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, int | float) else "string" if isinstance(value, str) else ""


def _uploader() -> dict[str, Any]:
    uploader = UploaderState("google")
    uploader.accounts.change("1.json", used_bytes=5, limit_bytes=10)
    uploader.stages.plan({"stages": [{"account": "1.json"}]}, 1.0)
    return {name: uploader.part(name, 1.0) for name in PARTS}


def _documents() -> dict[str, Mapping[str, Any]]:
    parts = _uploader()
    sample = SizeSample()
    sample.add(5)
    named = {"accounts_summary": "AccountsSummaryDocument"}
    kept = (
        "status",
        "session",
        "progress",
        "eta",
        "figures",
        "queue",
        "plan",
        "accounts_summary",
        "capacity",
        "throttle",
        "suspension",
    )
    return {
        "StateDocument": DashboardState().document(),
        "UploaderDocument": parts,
        "AccountDocument": parts["accounts"]["1.json"],
        "StageDocument": parts["plan"]["stages"][0],
        "PlanAccountDocument": parts["plan"]["accounts"]["1.json"],
        "DistributionDocument": sample.document(upload_folder="", now=1.0),
        **{named.get(name, f"{name.capitalize()}Document"): parts[name] for name in kept},
    }


@pytest.mark.parametrize("name", sorted(_documents()))
def test_types_of_the_page_are_those_of_the_document(name: str) -> None:
    members, document = _interface(name), _documents()[name]
    if name in PARTLY:
        assert members.keys() <= document.keys()
    else:
        assert members.keys() == document.keys()
    for key in members:
        assert _kind(document[key]) in (members[key], ""), f"{name}.{key}"


def test_only_what_a_browser_loads_is_in_the_folder_that_ships() -> None:
    kinds = {path.suffix for path in STATIC.rglob("*") if path.is_file()}
    assert kinds == {".js", ".css", ".svg", ".png", ".webmanifest"}
    assert not [path.name for path in STATIC.rglob("*.test.js")]
