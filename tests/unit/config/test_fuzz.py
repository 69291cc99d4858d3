"""Whatever a file holds: a Config or a ConfigError with printable sentences, never anything else."""

from __future__ import annotations

import contextlib
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cloudplow.config.loader import build, plugin_names, with_defaults
from cloudplow.config.reading import parse
from cloudplow.config.sample import SAMPLE
from cloudplow.errors import ConfigError
from tests.examples import examples

from .documents import SECTIONS

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=10**30, max_value=10**400)
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(
        ["", "google", "true", "25:99", "750G", "http://u:p@h", "\x1b[0m", "\ud800", "9" * 400, "-f", "-"]
    )
)


def keys_of(value: object) -> set[str]:
    if isinstance(value, dict):
        return set(value).union(*(keys_of(inner) for inner in value.values()))
    return set()


KEYS = st.sampled_from(sorted(keys_of(SAMPLE))) | st.text(max_size=6)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)
DOCUMENTS = st.dictionaries(st.sampled_from(sorted(SAMPLE)) | st.text(max_size=6), VALUES, max_size=6)


@st.composite
def damaged_samples(draw: st.DrawFn) -> dict[str, Any]:
    """The sample with a few values, at any depth, replaced by anything."""
    document: dict[str, Any] = json.loads(json.dumps(SAMPLE))
    for _ in range(draw(st.integers(1, 4))):
        holder = document
        while True:
            key = draw(st.sampled_from(sorted(holder)))
            inner = holder[key]
            if not isinstance(inner, dict) or not inner or draw(st.integers(0, 4)) == 0:
                holder[key] = draw(VALUES)
                break
            holder = inner
    return document


def check(document: dict[str, Any]) -> None:
    try:
        loaded = build(document, SECTIONS)
        assert all(warning.isprintable() for warning in loaded.warnings)
    except ConfigError as error:
        assert error.faults
        assert all(fault.isprintable() and ": " in fault for fault in error.faults)
    with contextlib.suppress(ConfigError):
        plugin_names(document)
    with_defaults(document, SECTIONS)


@settings(max_examples=examples(300), deadline=None)
@given(DOCUMENTS)
def test_any_document_is_built_or_refused(document: dict[str, Any]) -> None:
    check(document)


@settings(max_examples=examples(300), deadline=None)
@given(damaged_samples())
def test_any_damage_to_the_sample_is_built_or_refused(document: dict[str, Any]) -> None:
    check(document)


@settings(max_examples=examples(300), deadline=None)
@given(st.integers(0, 3000), st.text(max_size=3), st.integers(0, 3))
def test_any_damage_to_the_text_is_read_or_refused(at: int, inserted: str, cut: int) -> None:
    text = json.dumps(SAMPLE)
    try:
        parse(text[:at] + inserted + text[at + cut :], "config.json")
    except ConfigError as error:
        assert all(fault.isprintable() for fault in error.faults)
