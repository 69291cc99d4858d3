"""Below crypt nothing can be compared: whatever has a file's name in the end is removed only if it is what was sent."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.integration import bad_removal
from tests.integration.local_site import LocalSite, contents, total_bytes, wait_for

pytestmark = pytest.mark.rclone

SIZE = 100_000


def begin(site: LocalSite, names: list[str]) -> None:
    """Make the upload so slow that files can change while it reads them."""
    site.remote["upload_remote"] = "plain:Media"
    site.extras["--bwlimit"] = "150k"
    site.add_accounts(1, quota="10M")
    for name in names:
        site.write(name, SIZE)


def replace(path: Path, content: bytes, *, same_time: bool = False) -> None:
    before = path.stat()
    other = path.parent.parent / "other"
    other.write_bytes(content)
    if same_time:
        os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(path)


def test_files_that_change_while_they_are_uploaded_stay_and_go_again(site: LocalSite) -> None:
    """By a rename, by one that not even time and size betray, and in their place."""
    begin(site, ["renamed", "alike", "rewritten", "quiet"])
    process = site.start("upload")
    wait_for(lambda: sum(path.stat().st_size > 0 for path in site.cloud.rglob("*.bin*")) == 4, "bytes on their way")
    replace(site.source / "renamed", b"new" * 1000)
    replace(site.source / "alike", b"x" * SIZE, same_time=True)
    with (site.source / "rewritten").open("r+b") as file:
        file.write(b"newer")
    new = contents(site.source)
    assert len(new) == 4, "rclone was too fast"
    assert process.wait(60) == 0, site.output()

    assert site.arrived() == new
    assert contents(site.source) == {}
    told = site.told()
    assert sorted(one["name"] for one in told if one["signal"] == "file_transferred") == sorted(map(os.fsdecode, new))
    assert (told[-1]["outcome"], told[-1]["files"], told[-1]["bytes"]) == ("done", 4, total_bytes(new))
    # rclone 1.75 notices that "rewritten" is no longer the same, and does not send it to its end.
    assert site.ledger_bytes() >= 4 * SIZE + 2 * SIZE + 3000


def test_what_is_there_leaves_without_a_charge_and_empty_folders_go_if_asked_for(site: LocalSite) -> None:
    site.add_accounts(1, quota="10M")
    site.extras["--delete-empty-src-dirs"] = None
    for name in ("Show/1/there", "Show/2/new", "Film/there", "Film/changed", "top"):
        site.write(name)
    site.ask_rclone("copy", str(site.source), "vault:Media")
    os.utime(site.source / "Film/changed", (1, 1))
    (site.source / "Film/changed").write_bytes(b"changed")
    (site.source / "Other/empty").mkdir(parents=True)
    site.write("Show/2/newer")
    library = contents(site.source)

    done = site.run("upload")

    assert done.status == 0, done.said
    assert site.arrived() == library
    assert [str(path.relative_to(site.source)) for path in sorted(site.source.rglob("*"))] == ["Other", "Other/empty"]
    assert done.transferred.keys() == {os.fsdecode(name) for name in library}
    there = {event["name"] for event in done.of("file_transferred") if event["already_there"]}
    assert there == {"Show/1/there", "Show/2/new", "Film/there", "top"}
    assert site.ledger_bytes() == len(b"changed") + 1000
    assert "rclone skipped it" not in done.said


@pytest.mark.parametrize(("way", "called"), [("kill", b"a"), ("kill aside", b".a.cloudplow-removing")])
def test_killed_between_arrival_and_removal_it_is_charged_and_told_once(
    any_site: LocalSite, way: str, called: bytes
) -> None:
    site = any_site
    site.add_accounts(1, quota="10M")
    site.config["plugins"].append(bad_removal.__name__)
    site.write("a")
    library = contents(site.source)

    killed = site.run("upload", environment=site.environment(**{bad_removal.VARIABLE: way}))
    assert killed.status == -9
    assert site.arrived() == library
    assert contents(site.source) == {called: library[b"a"]}

    done = site.run("upload")
    assert done.status == 0, done.said
    assert (site.arrived(), contents(site.source)) == (library, {})
    assert killed.of("file_transferred") == []
    assert [(event["name"], event["already_there"]) for event in done.of("file_transferred")] == [("a", True)]
    assert site.ledger_bytes() == 1000


def test_killed_with_a_file_aside_whose_name_is_taken_by_then_nothing_is_lost(any_site: LocalSite) -> None:
    site = any_site
    site.add_accounts(1, quota="10M")
    site.config["plugins"].append(bad_removal.__name__)
    site.write("a")
    old = contents(site.source)[b"a"]
    site.run("upload", environment=site.environment(**{bad_removal.VARIABLE: "kill aside"}))
    (site.source / "a").write_bytes(b"a newer one")
    new = contents(site.source)[b"a"]

    done = site.run("upload")
    assert done.status == 0, done.said
    assert site.arrived() == {b"a": new, b".a.cloudplow-removing": old}
    assert contents(site.source) == {}


def test_killed_with_a_file_aside_it_has_its_name_again_if_files_are_only_copied_from_then_on(site: LocalSite) -> None:
    site.config["plugins"].append(bad_removal.__name__)
    site.write("a")
    library = contents(site.source)
    site.run("upload", environment=site.environment(**{bad_removal.VARIABLE: "kill aside"}))
    assert contents(site.source) != library

    site.remote["rclone_command"] = "copy"
    done = site.run("upload")
    assert done.status == 0, done.said
    assert site.arrived() == contents(site.source) == library


def test_files_that_cannot_be_removed_are_told_once_and_never_sent_again(any_site: LocalSite) -> None:
    site = any_site
    site.add_accounts(1, quota="10M")
    site.config["plugins"].append(bad_removal.__name__)
    for name in "ab":
        site.write(name)
    library = contents(site.source)
    began_at = time.monotonic()
    for _ in range(2):
        done = site.run("upload", environment=site.environment(**{bad_removal.VARIABLE: "refuse"}))
        assert done.status == 1, done.said
        assert sorted(event["name"] for event in done.of("file_failed")) == ["a", "b"]
        assert done.of("file_transferred") == []
        assert f"let cloudplow's user write in '{site.source.name}'" in done.finished["reason"]
        assert "2 files could not be moved" in done.finished["reason"]
        assert site.ledger_bytes() == 2000
    assert time.monotonic() - began_at < 30
    assert site.arrived() == contents(site.source) == library

    done = site.run("upload")
    assert done.status == 0, done.said
    assert (site.arrived(), contents(site.source), site.ledger_bytes()) == (library, {}, 2000)
