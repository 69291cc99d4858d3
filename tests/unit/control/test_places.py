"""Where the control socket goes when the state folder cannot hold it, and which place may be trusted."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from cloudplow.control import places


def test_two_state_folders_have_two_names_and_one_folder_has_one(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    (tmp_path / "link").symlink_to("one")

    names = [places.elsewhere_name(tmp_path / name) for name in ("one", "two", "link", "two/../one")]

    assert names[0] != names[1]
    assert names[0] == names[2] == names[3]


def test_the_runtime_folder_of_the_session_comes_first_and_the_temporary_one_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/var/tmp")
    uid = os.geteuid()

    found = list(places.folders_elsewhere({"XDG_RUNTIME_DIR": "/run/session"}))

    assert found == [
        (Path("/run/session/cloudplow"), Path("/run/session")),
        (Path(f"/run/user/{uid}/cloudplow"), Path(f"/run/user/{uid}")),
        (Path(f"/var/tmp/cloudplow-{uid}"), None),
    ]


@pytest.mark.parametrize("value", ["", "run/here", None])
def test_a_runtime_folder_that_is_none_is_passed_over(value: str | None) -> None:
    environ = {} if value is None else {"XDG_RUNTIME_DIR": value}

    assert next(places.folders_elsewhere(environ))[0] == Path(f"/run/user/{os.geteuid()}/cloudplow")


def test_a_private_folder_is_made_and_used_again(tmp_path: Path) -> None:
    folder = tmp_path / "cloudplow"
    for _ in range(2):
        places.make_private(folder, tmp_path)

    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_others_may_enter_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "cloudplow"
    folder.mkdir()
    folder.chmod(0o711)

    with pytest.raises(PermissionError, match="is not a folder that only its owner may enter"):
        places.make_private(folder, None)


def test_a_link_to_a_private_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "private").mkdir(mode=0o700)
    (tmp_path / "cloudplow").symlink_to("private")

    with pytest.raises(PermissionError):
        places.make_private(tmp_path / "cloudplow", None)


def test_a_file_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cloudplow").touch(mode=0o600)

    with pytest.raises(PermissionError):
        places.make_private(tmp_path / "cloudplow", None)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to others")
def test_what_belongs_to_others_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "cloudplow"
    folder.mkdir(mode=0o700)
    os.chown(folder, 12345, 12345)
    with pytest.raises(PermissionError):
        places.make_private(folder, None)
    assert not places.may_be_trusted(folder / "x.sock", tmp_path)

    runtime = tmp_path / "runtime"
    runtime.mkdir(mode=0o700)
    os.chown(runtime, 12345, 12345)
    with pytest.raises(PermissionError, match="belongs to another user"):
        places.make_private(runtime / "cloudplow", runtime)
    assert not (runtime / "cloudplow").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to others")
def test_who_owns_the_state_folder_may_be_trusted(tmp_path: Path) -> None:
    state, folder = tmp_path / "state", tmp_path / "cloudplow"
    for one in (state, folder):
        one.mkdir(mode=0o700)
        os.chown(one, 12345, 12345)

    assert places.may_be_trusted(folder / "x.sock", state)


def test_a_folder_that_is_gone_is_not_trusted(tmp_path: Path) -> None:
    assert not places.may_be_trusted(tmp_path / "gone" / "x.sock", tmp_path)


# What is written


def test_nothing_written_is_no_place(tmp_path: Path) -> None:
    assert places.written_place(tmp_path) is None
    places.forget_place(tmp_path)


def test_what_was_written_is_read_whatever_bytes_it_has(tmp_path: Path) -> None:
    path = Path(os.fsdecode(b"/run/\xff\n/")) / places.elsewhere_name(tmp_path)
    (tmp_path / places.PLACE_FILE).write_bytes(os.fsencode(path) + b"\n")

    assert places.written_place(tmp_path) == path
    places.forget_place(tmp_path)
    assert places.written_place(tmp_path) is None


@pytest.mark.parametrize("text", [b"", b"\n", b"\0\xff", b"/run/other.sock\n", b"/run/\0/NAME\n"])
def test_rubbish_is_no_place(tmp_path: Path, text: bytes) -> None:
    name = places.elsewhere_name(tmp_path).encode()
    (tmp_path / places.PLACE_FILE).write_bytes(text.replace(b"NAME", name))

    assert places.written_place(tmp_path) is None


def test_a_relative_path_is_no_place(tmp_path: Path) -> None:
    (tmp_path / places.PLACE_FILE).write_text(places.elsewhere_name(tmp_path))

    assert places.written_place(tmp_path) is None


def test_the_place_of_a_copied_state_folder_is_not_that_of_the_copy(tmp_path: Path) -> None:
    original, copy = tmp_path / "original", tmp_path / "copy"
    for folder in (original, copy):
        folder.mkdir()
        (folder / places.PLACE_FILE).write_text(f"/run/{places.elsewhere_name(original)}\n")

    assert places.written_place(original) is not None
    assert places.written_place(copy) is None
