"""One bad entry of the upload folder is named with its cure, and everything else goes."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.fake_rclone import write_program
from tests.integration.local_site import LocalSite, contents
from tests.integration.test_done_is_done import MOVE


def with_ordinary_rights(site: LocalSite) -> None:
    """Run rclone without root's right to read everything."""
    if os.geteuid() != 0:
        return
    words = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
    if shutil.which("setpriv") is None or subprocess.run([*words, "true"], check=False).returncode != 0:
        pytest.skip("root cannot give up the right to read everything")
    wrapper = site.root / "rclone.sh"
    wrapper.write_text(f'#!/bin/sh\nexec {" ".join(words)} "{site.rclone}" "$@"\n', encoding="utf-8")
    wrapper.chmod(0o755)
    site.config["core"]["rclone_binary_path"] = str(wrapper)


@pytest.mark.rclone
@pytest.mark.parametrize("mode", [0o000, 0o644], ids=["no rights", "names can be read"])
def test_unreadable_folder_is_named_with_its_cure_and_the_others_go(site: LocalSite, mode: int) -> None:
    with_ordinary_rights(site)
    names = {f"{folder}/file" for folder in ("a", "z", "Show [1]/Season")}
    for name in names:
        site.write(name)
    bad = site.write("Show [1]/lost+found/file").parent
    bad.chmod(mode)
    try:
        run = site.run("upload")

        assert run.status == 1, run.said
        assert run.transferred.keys() == names
        assert run.finished["outcome"] == "failed"
        pattern = json.dumps(r"/Show \[1\]/lost+found/**")
        assert f"add {pattern} to rclone_excludes" in run.finished["reason"]
        assert "permission denied" in run.finished["reason"]
        assert run.stdout.count("cannot be read (") == 2, run.said  # once when it is found, once at the end

        for command in ("check", "plan"):
            warned = site.run(command)
            assert warned.status == 0, warned.said
            assert f"add {pattern} to rclone_excludes" in warned.said

        site.remote["rclone_excludes"] = [json.loads(pattern)]
        cured = site.run("upload")
        assert cured.status == 0, cured.said
    finally:
        bad.chmod(0o755)


def make_socket(path: Path) -> None:
    here = os.open(path.parent, os.O_RDONLY)
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(f"/proc/self/fd/{here}/{path.name}")
    finally:
        os.close(here)


KINDS: dict[str, Callable[[Path], None]] = {
    "a pipe": os.mkfifo,
    "a socket": make_socket,
    "a link to nowhere": lambda path: path.symlink_to("nowhere"),
    "a link to itself": lambda path: path.symlink_to(path.name),
}


@pytest.mark.rclone
@pytest.mark.parametrize(
    ("kind", "follows"),
    [
        ("a pipe", False),
        ("a socket", True),
        ("a link to nowhere", False),
        ("a link to nowhere", True),
        ("a link to itself", True),
    ],
)
def test_entry_that_is_no_file_is_named_with_its_cure(site: LocalSite, kind: str, *, follows: bool) -> None:
    site.write("Show/file")
    KINDS[kind](site.source / "Show" / "odd*one")
    if follows:
        site.extras["--copy-links"] = None

    run = site.run("upload")

    assert run.status == 1, run.said
    assert run.transferred.keys() == {"Show/file"}
    pattern = json.dumps(r"/Show/odd\*one")
    assert f"--exclude {pattern}" in run.finished["reason"]

    site.remote["rclone_excludes"] = [json.loads(pattern)]
    site.write("Show/another")
    cured = site.run("upload")
    assert cured.status == 0, cured.said
    assert (cured.finished["outcome"], cured.finished["reason"]) == ("done", "")


# A listing that ended early is not taken for a whole one

GONE = "error listing: directory not found"
BROKEN = "error listing: failed to read directory entry: readdirent /x/b: input/output error"


def ends_early(text: str, condition: str) -> str:
    """A listing that prints one name and ends, if a condition holds."""
    record = {"level": "error", "msg": text, "object": "b", "objectType": "string"}
    return f"""
if {condition} and not any(word.startswith("--files-from-raw=") for word in words):
    if os.path.exists(source + "/a"):
        print("2026-01-31 00:00:00", 1000, "a", sep="\\t")
    print({json.dumps(record)!r}, file=sys.stderr)
    sys.exit(3)
"""


@pytest.fixture
def fake_site(tmp_path: Path) -> LocalSite:
    site = LocalSite(tmp_path / "site", tmp_path / "rclone")
    site.remote["upload_remote"] = "cloud:"
    for name in ("a", "b file", "c"):
        site.write(name)
    return site


def test_folder_that_vanishes_while_it_is_listed_hides_nothing(fake_site: LocalSite) -> None:
    condition = "not os.path.exists(source + '/../seen') and not open(source + '/../seen', 'w').close()"
    write_program(fake_site, MOVE, listing=ends_early(GONE, condition))

    run = fake_site.run("upload")

    assert run.status == 0, run.said
    assert run.transferred.keys() == {"a", "b file", "c"}
    assert len(run.of("stage_started")) == 1


def test_folder_that_ends_every_listing_is_left_out_and_named(fake_site: LocalSite) -> None:
    write_program(fake_site, MOVE, listing=ends_early(BROKEN, "'--exclude=/b/**' not in words"))

    run = fake_site.run("upload")

    assert run.status == 1, run.said
    assert {"a", "c"} <= run.transferred.keys()
    assert '"b" cannot be read (input/output error)' in run.finished["reason"]


def test_folder_of_which_no_listing_is_whole_is_never_done(fake_site: LocalSite) -> None:
    write_program(fake_site, MOVE, listing=ends_early(GONE, "True"))

    run = fake_site.run("upload")

    assert run.status == 1, run.said
    assert "a" in run.transferred
    assert "there may be more files" in run.finished["reason"]
    assert contents(fake_site.source).keys() == {b"b file", b"c"}
