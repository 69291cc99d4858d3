"""The parts of the fake Drive that can be tested without rclone."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import pytest

from .answers import Failure
from .content import Content, Multipart
from .faults import Fault
from .kinds import Kind, classify
from .query import FOLDER, parse_query
from .quota import Meter, Mode, Quota
from .remotes import obscure
from .store import Entry, Store
from .wire import Request
from .world import Settings, World


def make_store() -> tuple[Store, Entry, Entry]:
    """A shared drive "D" with folder "films" and in it "it's \\ one.mkv"."""
    store = Store({"D": "Media"})
    folder = store.add("films", "D", FOLDER, "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z")
    film = store.add("it's \\ one.mkv", folder.id, "video/x", "2026-01-02T00:00:00Z", "2026-01-02T00:00:00Z")
    return store, folder, film


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", {"films", "film"}),
        ("trashed=false and ('{folder}' in parents) and (name='it\\'s \\\\ one.mkv')", {"film"}),
        ("'{folder}' in parents and name = 'it'", set()),
        ("('D' in parents or '{folder}' in parents) and trashed = false", {"films", "film"}),
        ("mimeType='application/vnd.google-apps.folder'", {"films"}),
        ("mimeType != 'application/vnd.google-apps.folder' and not trashed=true", {"film"}),
        ("name contains 'IT' and (modifiedTime > '2026-01-01T12:00:00Z' or sharedWithMe=true)", {"film"}),
        ("not ('D' in parents) AND name='films' or name='films' and 'D' in parents", {"films"}),
    ],
)
def test_queries_find(query: str, found: set[str]) -> None:
    store, folder, film = make_store()
    condition = parse_query(query.replace("{folder}", folder.id))
    names = {folder.id: "films", film.id: "film"}
    assert {names[entry.id] for entry in store.search(condition)} == found


@pytest.mark.parametrize("query", ["name='x", "name", "size > '1'", "name='a' name='b'", "'D' in folders", "(name='a'"])
def test_queries_that_are_not_understood_raise(query: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_query(query)


def test_entries_move_and_go_with_what_they_hold() -> None:
    store, folder, film = make_store()
    other = store.add("other", "D", FOLDER, "", "")
    store.move(folder, "inner", other.id)
    assert [path for path, _ in store.walk("D")] == ["other", "other/inner", "other/inner/it's \\ one.mkv"]
    assert store.drive_of(film) == "D"
    store.remove(other)
    assert (len(store), store.get(film.id)) == (0, None)


def test_the_trash_is_not_live() -> None:
    store, folder, film = make_store()
    store.add(film.name, folder.id, "video/x", "", "")
    assert store.duplicates() == [f"films/{film.name}"]
    film.trashed = True
    assert store.duplicates() == []
    store.empty_trash()
    assert len(store) == 2


@pytest.mark.parametrize("piece_size", [1, 7, 50, 4096])
@pytest.mark.parametrize("size", [0, 1, 30, 1000])
def test_multipart_bodies_come_in_any_pieces(piece_size: int, size: int) -> None:
    data = (b"\r\n--b\r\n\r\n" * (size // 9 + 1))[:size]
    body = b'--b1\r\nContent-Type: application/json\r\n\r\n{"name":"x"}\n\r\n--b1\r\nContent-Type: video/x\r\n\r\n'
    body += data + b"\r\n--b1--\r\n"
    content = Content(keep=True)
    parser = Multipart("multipart/related; boundary=b1", content)
    for start in range(0, len(body), piece_size):
        parser.feed(memoryview(body)[start : start + piece_size])
    assert parser.finish() == {"name": "x"}
    assert (content.kept, content.size) == (data, size)
    assert content.md5 == hashlib.md5(data, usedforsecurity=False).hexdigest()


def test_a_cut_multipart_body_is_refused() -> None:
    parser = Multipart("multipart/related; boundary=b1", Content(keep=False))
    parser.feed(memoryview(b"--b1\r\n\r\n{}\r\n--b1\r\n\r\nabc"))
    with pytest.raises(ValueError, match="incomplete"):
        parser.finish()


def test_spent_bytes_come_back_after_the_window() -> None:
    meter = Meter()
    meter.spend(100, 0.0)
    meter.spend(50, 30.0)
    assert [meter.used_bytes(now, 60.0) for now in (59.9, 60.0, 90.0)] == [150, 50, 0]


def test_each_mode_denies_in_its_own_way() -> None:
    meter = Meter()
    meter.spend(60, 0.0)
    would_exceed, at_limit, mid_file = (Quota(100, mode) for mode in Mode)
    assert meter.denies_start(would_exceed, 1.0, 41, 0)
    assert meter.denies_start(would_exceed, 1.0, 30, 20)
    assert not meter.denies_start(would_exceed, 1.0, 40, 0)
    assert not meter.denies_start(at_limit, 1.0, 1000, 1000)
    assert meter.denies_more(mid_file, 1.0, 41)
    assert not meter.denies_more(mid_file, 1.0, 40)
    assert not meter.denies_more(at_limit, 1.0, 1000)
    meter.spend(40, 1.0)
    assert all(meter.denies_start(quota, 1.0, 1, 0) for quota in (would_exceed, at_limit, mid_file))
    assert not meter.denies_start(Quota(), 1.0, 1 << 50, 0)


def test_faults_strike_as_told() -> None:
    fault = Fault(Failure.RATE, kinds=frozenset(("list",)), after=1, every=2, first=2)
    assert not fault.strikes("get", "1.json")
    assert [fault.strikes("list", "1.json") for _ in range(8)] == [False, False, True, False, True, False, False, False]
    half = Fault(Failure.RATE, rate=0.5)
    assert 30 < sum(half.strikes("list", "1.json") for _ in range(100)) < 70


def test_requests_are_told_apart() -> None:
    def kind(method: str, path: str, **query: str) -> tuple[Kind, str]:
        return classify(Request(method, path, {}, path, query))

    assert kind("GET", "/drive/v3/files") == (Kind.LIST, "")
    assert kind("GET", "/drive/v3/files/abc", alt="media") == (Kind.DOWNLOAD, "abc")
    assert kind("DELETE", "/drive/v3/files/trash") == (Kind.EMPTY_TRASH, "")
    assert kind("PATCH", "/upload/drive/v3/files/abc", uploadType="resumable") == (Kind.SESSION, "abc")
    assert kind("PUT", "/upload/drive/v3/files", uploadType="resumable", upload_id="1") == (Kind.CHUNK, "")
    assert kind("GET", "/nonsense") == (Kind.UNKNOWN, "")


@pytest.mark.rclone
def test_passwords_are_hidden_as_rclone_hides_them(any_rclone: Path) -> None:
    revealed = subprocess.run(
        [any_rclone, "reveal", "--", obscure("open sesame")], capture_output=True, text=True, timeout=20, check=True
    )
    assert revealed.stdout.strip() == "open sesame"


@pytest.mark.parametrize(("settings", "most"), [(Settings(), 0.0), (Settings(commit_delay_seconds=2.0), 2.0)])
def test_files_appear_as_late_as_the_settings_say(settings: Settings, most: float) -> None:
    world = World(settings, {}, lambda: 0.0)
    assert [world.next_commit_delay() for _ in range(3)] == [most] * 3


def test_delays_that_vary_are_the_same_in_every_world() -> None:
    settings = Settings(commit_delay_seconds=2.0, commit_delay_varies=True)
    worlds = [World(settings, {}, lambda: 0.0) for _ in range(2)]
    delays = [[world.next_commit_delay() for _ in range(9)] for world in worlds]
    assert delays[0] == delays[1]
    assert len(set(delays[0])) == 9
    assert 0 <= min(delays[0]) < max(delays[0]) <= 2
