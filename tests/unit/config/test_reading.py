"""Reading the file and the environment: what is accepted, and where a fault is said to be."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from cloudplow.config.loader import ConfigMissingError, build, read_document
from cloudplow.config.reading import Document
from cloudplow.errors import ConfigError, ExitStatus

from .documents import SECTIONS, minimal


def read(tmp_path: Path, text: str | bytes, environ: dict[str, str] | None = None) -> Document:
    path = tmp_path / "config.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
    return read_document(path, environ or {})


def fault_in(tmp_path: Path, text: str | bytes) -> str:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text)
    (fault,) = caught.value.faults
    assert fault.startswith(str(tmp_path / "config.json"))
    return fault.removeprefix(f"{tmp_path / 'config.json'}: ")


def test_missing_file_says_so_and_is_told_apart(tmp_path: Path) -> None:
    with pytest.raises(ConfigMissingError, match="the file does not exist") as caught:
        read_document(tmp_path / "config.json", {})
    assert caught.value.status is ExitStatus.USAGE


def test_folder_in_place_of_the_file_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        read_document(tmp_path, {})
    with pytest.raises(ConfigError, match="the path is not valid"):
        read_document(tmp_path / "a\0b", {})


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable_file_is_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text("{}")
    path.chmod(0)
    with pytest.raises(ConfigError, match="Permission denied"):
        read_document(path, {})


def test_byte_order_mark_is_accepted(tmp_path: Path) -> None:
    assert read(tmp_path, b'\xef\xbb\xbf{"core": {}}') == {"core": {}}


@pytest.mark.parametrize("text", ["[]", '"x"', "3", "null"])
def test_anything_but_an_object_is_a_fault(tmp_path: Path, text: str) -> None:
    assert fault_in(tmp_path, text) == "the file must be one JSON object, in curly braces"


def test_other_encoding_is_a_fault_with_its_line(tmp_path: Path) -> None:
    assert fault_in(tmp_path, b'{\n"a": "\xe9"}') == "line 2 is not valid UTF-8; save the file as UTF-8"


@pytest.mark.parametrize(
    ("text", "begins", "near"),
    [
        ('{"a": 1\n\n "b": 2}', "line 3, column 2: a comma is missing", '{"a": *** >>> "b": ***}'),
        ('{"a": 1,}', "line 1, column 8: a comma stands before the closing brace", '{"a": *** >>> ,}'),
        ("{'a': 1}", "line 1, column 2: there is a single quote", "{ >>> ***: ***}"),
        ('{"a": True}', "line 1, column 7: JSON writes true, false and null", '{"a": >>> True}'),
        ('{"a": "C:\\x"}', "line 1, column 10: there is a single backslash", '{"a": "***" >>> }'),
        ('{"a": "b\n', "line 1, column 9: there is a line break", '{"a": "***" >>>'),
        ('{"a": {}}}', "line 1, column 10: there is more text after the end", '{"a": {}} >>> }'),
    ],
)
def test_syntax_fault_gives_line_column_and_neighbourhood(tmp_path: Path, text: str, begins: str, near: str) -> None:
    fault = fault_in(tmp_path, text)
    assert fault.startswith(begins)
    assert fault.endswith(f"; near: {near}")


def test_fault_in_one_endless_line_shows_only_what_is_around_it(tmp_path: Path) -> None:
    text = json.dumps({f"key{n}": n for n in range(1000)}).replace('"key500": 500', '"key500": x')
    fault = fault_in(tmp_path, text)
    assert '"key500": >>> ***, "key501": ***' in fault
    assert len(fault) < 250


@pytest.mark.parametrize(
    "text",
    [
        '{"plex": {"token": "s3cr3t" "x": 1}}',
        '{"plex": {"token": s3cr3t}}',
        '{"plex": {"token":\n"s3cr3t"\n"x": 1}}',
        '{"plex": {"token": "s3cr3t\n"}}',
        "{'token': 's3cr3t'}",
        '{"token": "a"s3cr3t": 3}',
    ],
)
def test_syntax_fault_shows_no_secret(tmp_path: Path, text: str) -> None:
    assert "s3cr3t" not in fault_in(tmp_path, text)


def test_empty_file_is_called_empty(tmp_path: Path) -> None:
    assert fault_in(tmp_path, " \n").startswith("is empty")


def test_key_that_is_there_twice_is_a_fault_with_its_path(tmp_path: Path) -> None:
    text = '{"remotes": {"g": {"a": 1, "a": 2}},\n "x": [{}, {"b": 1,\n "b": 2}],\n "core": {},\n "core": {}}'
    document = read(tmp_path, text)
    assert [str(one) for one in document.duplicates] == [
        "remotes.g.a: appears twice, in line 1 and again in line 1, column 28; keep one of them",
        "x[1].b: appears twice, in line 2 and again in line 3, column 2; keep one of them",
        "core: appears twice, in line 4 and again in line 5, column 2; keep one of them",
    ]


def test_key_that_is_there_twice_hides_no_other_fault(tmp_path: Path) -> None:
    document = read(tmp_path, '{"core": {"dry_run": 1,\n "dry_run": "maybe"}, "remotes": "x"}')
    with pytest.raises(ConfigError) as caught:
        build(document, SECTIONS)
    assert [fault.split(": ")[0] for fault in caught.value.faults] == ["core.dry_run", "core.dry_run", "remotes"]


def test_key_that_is_there_twice_where_it_does_no_harm_is_a_warning(tmp_path: Path) -> None:
    document = read(tmp_path, '{"plex": {"url": "a",\n "url": "b"}}')
    (warning,) = build(document, SECTIONS).warnings
    assert warning == (
        "plex.url: appears twice, in line 1 and again in line 2, column 2, so the last one counts; keep one of them"
    )


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        (
            '{"a": 1, // x\n "a": 2}',
            ["line 1, column 10: JSON has no comments", "a: appears twice, in line 1 and again in line 2, column 2"],
        ),
        ('{\n  // mine\n  "a": 1\n}', ["line 2, column 3: JSON has no comments; remove it"]),
        ('{"a": 1 // s3cr3t\n}', ["line 1, column 9: JSON has no comments"]),
        ('// first\n{"a": 1}', ["line 1, column 1: JSON has no comments"]),
        ('{"a": 1}\n# last', ["line 2, column 1: JSON has no comments"]),
        ('{"a": /* x\n y */ 1}', ["line 1, column 7: JSON has no comments"]),
        ('{"a": 1, // x\n}', ["line 1, column 8: a comma stands before", "line 1, column 10: JSON has no comments"]),
        (
            '{"a": [1,\n], // x\n "b": {"c": 2,\n }\n}',
            [
                "line 1, column 9: a comma stands before the closing bracket; remove it",
                "line 2, column 4: JSON has no comments",
                "line 3, column 14: a comma stands before the closing brace; remove it",
            ],
        ),
        ("{\"a\": 'x'}", ["line 1, column 7: there is a single quote; JSON needs double quotes"]),
        ("{\u201ca\u201d: 1}", ["line 1, column 2: there is a typographic quote"]),
        ('{"a":\u00a01}', ["line 1, column 6: there is a space of a special kind"]),
        ('{"a": NaN}', ["line 1, column 7: NaN is not a JSON number"]),
        ('{"a": 1,, "b": 2}', ["line 1, column 9: a key in double quotes is missing"]),
    ],
)
def test_usual_slips_are_told_with_their_place_all_at_once(tmp_path: Path, text: str, sentences: list[str]) -> None:
    path = tmp_path / "config.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        read_document(path, {})
    assert len(caught.value.faults) == len(sentences)
    for fault, sentence in zip(caught.value.faults, sentences, strict=True):
        assert fault.startswith(f"{path}: {sentence}")
        assert "s3cr3t" not in fault


def test_marks_of_comments_in_a_text_are_no_comments(tmp_path: Path) -> None:
    assert read(tmp_path, '{"a": "http://x # y /* z"}') == {"a": "http://x # y /* z"}


@pytest.mark.parametrize("text", ['{"a": NaN}', '{"a": Infinity}', '{"a": ' + "1" * 5000 + "}"])
def test_number_that_json_does_not_know_is_a_fault(tmp_path: Path, text: str) -> None:
    assert "number" in fault_in(tmp_path, text)


@pytest.mark.parametrize("depth", [60, 100_000])
def test_endless_nesting_is_a_fault(tmp_path: Path, depth: int) -> None:
    assert "nested too deeply" in fault_in(tmp_path, '{"a": ' + "[" * depth + "]" * depth + "}")


def test_section_from_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    environ = {"core": '{"dry_run": true}', "plugins": "[]", "dashboard": '{"port": 1}', "nzbget": "  "}
    document = read(tmp_path, json.dumps(minimal(core={"dry_run": False}, nzbget={"url": "x"})), environ)
    loaded = build(document, SECTIONS)
    assert loaded.config.core.dry_run is True
    assert loaded.config.plugins == ()
    assert loaded.config.nzbget.url == "x"
    assert loaded.config.section("dashboard").model_dump()["port"] == 1


def test_variable_of_a_plugins_section_counts_when_it_holds_an_object(tmp_path: Path) -> None:
    text = json.dumps({"mine": {"a": 1}, "PATH": {}})
    assert read(tmp_path, text, {"mine": '{"a": 2}', "PATH": "/usr/bin"}) == {"mine": {"a": 2}, "PATH": {}}


def test_malformed_variables_are_all_named(tmp_path: Path) -> None:
    environ = {"core": "{", "plugins": "bash", "uploader": "[]", "remotes": '{"a": 1, "a": 2}'}
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, "{}", environ)
    assert len(caught.value.faults) == 4
    for name, fault in zip(("core", "remotes", "uploader", "plugins"), caught.value.faults, strict=True):
        assert fault.startswith(f'environment variable "{name}": ')
        assert fault.endswith("; or unset the variable if it is not meant for cloudplow")


def test_malformed_variable_of_a_feature_beside_uploads_is_a_warning(tmp_path: Path) -> None:
    document = read(tmp_path, json.dumps(minimal(hidden={"/x": {}})), {"hidden": "yes", "plex": "[]"})
    assert document["hidden"] == {"/x": {}}
    warnings = build(document, SECTIONS).warnings
    assert [one.split(": ")[0] for one in warnings] == [f'environment variable "{one}"' for one in ("hidden", "plex")]
    assert all("so it is ignored; correct it, or unset the variable" in one for one in warnings)
