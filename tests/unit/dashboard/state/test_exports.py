"""Downloads, above all with hostile names."""

from __future__ import annotations

import csv
import io
import json

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from cloudplow_dashboard.state import exports
from cloudplow_dashboard.state.blanks import new_session
from cloudplow_dashboard.state.bounded import FILES_LIMIT, FileEntry
from cloudplow_dashboard.state.history import History
from cloudplow_dashboard.state.state import DashboardState
from cloudplow_dashboard.web.app import create_app
from tests.unit.dashboard.helpers import NOW, Clock, file_failed, file_transferred, make_state, session_started

DANGEROUS = ("=", "+", "-", "@", "\t", "\r")


@pytest.fixture
def state() -> DashboardState:
    return make_state()


@pytest.fixture
def history() -> History:
    return History(Clock())


@pytest.fixture
def client(state: DashboardState, history: History) -> FlaskClient:
    return create_app(state, history).test_client()


def rows(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), min_size=2, max_size=4))
def test_a_reader_of_csv_gets_back_every_name(names: list[str]) -> None:
    entries = [FileEntry(NOW, "failed", name, 5, name, 1, name) for name in names]

    parsed = rows(b"".join(exports.session_csv(entries)).decode())

    assert parsed[0] == list(exports.SESSION_COLUMNS)
    assert len(parsed) == len(names) + 1
    for name, row in zip(names, parsed[1:], strict=True):
        assert row[2].replace("'", "") == name.replace("'", "")
        assert not row[2].startswith(DANGEROUS)


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@x", "\tx", "\rx", '=HYPERLINK("http://x","y")'])
def test_no_name_is_a_formula(client: FlaskClient, state: DashboardState, name: str) -> None:
    state.apply(file_transferred(name))

    row = rows(client.get("/api/export/session.csv").get_data(as_text=True))[1]

    assert row[2] == f"'{name}"


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("x;=cmd", "x;'=cmd"),
        ("x; =cmd", "x; '=cmd"),
        ("x\t=cmd", "x\t'=cmd"),
        ("\t=cmd", "'\t'=cmd"),
        ("x\n@cmd", "x\n'@cmd"),
        ('x;"=cmd', "x;\"'=cmd"),
        (" =cmd", " '=cmd"),
        ("\uff1dcmd", "'\uff1dcmd"),
        ("\ufe66cmd", "'\ufe66cmd"),
        ("x|=cmd", "x|'=cmd"),
        ("\u00a0=cmd", "\u00a0'=cmd"),
        ("\u3000@cmd", "\u3000'@cmd"),
        ("\ufeff\u200b=cmd", "\ufeff\u200b'=cmd"),
        ("\x0b=cmd", "\x0b'=cmd"),
        ("a, -b; c = d", "a, -b; c = d"),
    ],
)
def test_e9_no_name_is_a_formula_where_something_else_than_a_comma_separates(name: str, cell: str) -> None:
    text = b"".join(exports.session_csv([FileEntry(NOW, "failed", name, 5, "1.json", 1, "")])).decode()

    assert rows(text)[1][2] == cell
    # Quoted, whatever it holds; numbers are not.
    doubled = cell.replace('"', '""')
    assert f',"{doubled}",5,"1.json",1,' in text


@given(st.text(st.sampled_from(";|,\t\r\n =+-@'\"x"), max_size=12), st.sampled_from(";|\t"))
def test_e9_no_reader_with_another_separator_finds_a_formula(name: str, separator: str) -> None:
    text = b"".join(exports.session_csv([FileEntry(NOW, "failed", name, 5, "1.json", 1, name)])).decode()

    for line in text.split("\n"):
        assert not any(cell.strip(' "').startswith(("=", "+", "-", "@")) for cell in line.split(separator))


def test_the_export_of_a_session(client: FlaskClient, state: DashboardState) -> None:
    for event in (
        session_started(at=NOW),
        file_transferred('a, "b".mkv', 7, at=NOW),
        file_transferred("c", 8, already_there=True, at=NOW),
        file_failed("d", "open /mnt/disk/Media/d: broken", at=NOW),
        file_transferred("e", 9, account="7.json", stage=0, found_later=True, at=NOW),
    ):
        state.apply(event)

    answer = client.get("/api/export/session.csv")
    document = client.get("/api/export/session.json").json

    moment = "2025-10-09T08:53:20Z"
    assert rows(answer.get_data(as_text=True))[1:] == [
        [moment, "transferred", 'a, "b".mkv', "7", "1.json", "1", ""],
        [moment, "already_there", "c", "8", "1.json", "1", ""],
        [moment, "failed", "d", "0", "1.json", "1", "open d: broken"],
        [moment, "found_later", "e", "9", "7.json", "0", ""],
    ]
    assert answer.headers["Content-Disposition"] == 'attachment; filename="cloudplow-session-google.csv"'
    assert (answer.headers["X-Truncated"], answer.headers["X-Total-Count"]) == ("false", "4")
    assert document is not None
    assert (document["files_total"], document["truncated"], len(document["files"])) == (4, False, 4)
    assert document["session"]["files_done"] == 3
    assert document["files"][2] == {
        "at": NOW,
        "status": "failed",
        "name": "d",
        "size": 0,
        "account": "1.json",
        "stage": 1,
        "error": "open d: broken",
    }


def test_a_new_session_begins_with_no_files(client: FlaskClient, state: DashboardState) -> None:
    state.apply(file_transferred())
    state.apply(session_started())

    assert len(rows(client.get("/api/export/session.csv").get_data(as_text=True))) == 1
    assert json.loads(client.get("/api/export/session.json").data)["files"] == []


def test_files_that_were_left_out_are_told(client: FlaskClient, state: DashboardState) -> None:
    for number in range(FILES_LIMIT + 3):
        state.apply(file_transferred(f"{number}"))

    answer = client.get("/api/export/session.csv")

    assert (answer.headers["X-Truncated"], answer.headers["X-Total-Count"]) == ("true", str(FILES_LIMIT + 3))
    assert len(rows(answer.get_data(as_text=True))) == FILES_LIMIT + 1
    assert client.get("/api/export/session.json").json["truncated"] is True  # type: ignore[index]


def test_a_download_comes_in_few_pieces_so_that_a_slow_client_holds_no_thread() -> None:
    entries = [FileEntry(NOW, "failed", "x", 5, "", 1, "")] * FILES_LIMIT

    head: exports.SessionHead = {"uploader": "", "session": new_session(), "files_total": 0, "truncated": False}

    assert len(list(exports.session_csv(entries))) <= exports.PIECES + 1
    assert len(list(exports.session_json(head, entries))) <= exports.PIECES + 2


def test_the_export_of_the_history(client: FlaskClient, history: History) -> None:
    history.receive("google", event=file_transferred(size=5))

    answer = client.get("/api/export/history.csv?step=60&since=-600")

    lines = rows(answer.get_data(as_text=True))
    assert lines[0] == list(exports.HISTORY_COLUMNS)
    assert lines[-1][1:] == ["60", "0", "5", "1", "0"]
    assert answer.headers["Content-Disposition"] == 'attachment; filename="cloudplow-history.csv"'

    same = client.get("/api/export/history.json?step=60&since=-600")
    assert same.json is not None
    assert (same.json["uploader"], same.json["step"], len(same.json["rows"])) == ("", 60, len(lines) - 1)
    assert {**same.json["rows"][-1], "at": 0} == {"at": 0, "speed": 0, "bytes": 5, "files": 1, "errors": 0}
    assert same.headers["Content-Disposition"] == 'attachment; filename="cloudplow-history.json"'


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ("google", "cloudplow-x-google.csv"),
        ('a"; filename="b', "cloudplow-x-a_filename_b.csv"),
        ("../../etc/passwd", "cloudplow-x-etc_passwd.csv"),
        ("\r\nSet-Cookie: a", "cloudplow-x-Set-Cookie_a.csv"),
        ("ü", "cloudplow-x.csv"),
        ("", "cloudplow-x.csv"),
    ],
)
def test_names_of_downloads_are_harmless(part: str, expected: str) -> None:
    assert exports.file_name("x", part, ending=".csv") == expected


def test_moments() -> None:
    assert [exports.moment(at) for at in (0, 1e30, NOW)] == ["", "", "2025-10-09T08:53:20Z"]
