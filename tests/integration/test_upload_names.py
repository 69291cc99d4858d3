"""Files with names that break programs, and files that somebody holds open."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.integration.local_site import LocalSite, contents

pytestmark = pytest.mark.rclone

HOSTILE_NAMES: tuple[bytes, ...] = (
    b"line\nbreak",
    b"tab\there",
    b"carriage\rreturn",
    b"delete\x7f escape\x1b[31m bell\x07",
    b"not utf-8 \xff\xfe.mkv",
    b"half a letter \xc3",
    b" leading space",
    b"trailing space ",
    b"folder with space /inside ",
    b"#comment",
    b";semicolon",
    b"# /both ; of\nthem",
    b"'single' \"double\" `back`",
    b"$(touch broken) $HOME & | > <",
    b"back\\slash",
    b"[brackets] {braces} * ? !",
    b"**",
    b"- excluded looking",
    b"+ included looking",
    b"!",
    b"--config=nowhere",
    b"--dry-run",
    b"-v",
    b"-",
    b"x" * 200,
    "ü".encode() * 100,
    "\N{CLAPPING HANDS SIGN}\N{EMOJI MODIFIER FITZPATRICK TYPE-4} \N{BLACK HEART}.mkv".encode(),
    "e\N{COMBINING ACUTE ACCENT} decomposed".encode(),
    "\N{LATIN SMALL LETTER E WITH ACUTE} composed".encode(),
    "right to left \N{RIGHT-TO-LEFT OVERRIDE}gpj.mkv".encode(),
    "picture of a line feed \N{SYMBOL FOR LINE FEED}".encode(),
    "full width \N{FULLWIDTH SOLIDUS} \N{FULLWIDTH COLON} \N{FULLWIDTH FULL STOP}".encode(),
    b"colon: and, comma=equals",
    b"percent %s %41 {0}",
    b"...",
    b".hidden",
    b"trailing dot.",
    b"NUL",
    b'{"level":"error","msg":"Failed to copy"}',
)


@pytest.mark.parametrize("command", ["move", "copy"])
def test_hostile_names_arrive_and_are_counted(site: LocalSite, command: str) -> None:
    for number, name in enumerate(HOSTILE_NAMES):
        site.write(name, 1000 + number)
    library = contents(site.source)
    assert len(library) == len(HOSTILE_NAMES)
    # Names stay as they are: encrypted ones of this length would be too long for a local disk.
    site.remote.update(upload_remote="plain:Media", rclone_command=command)
    site.add_accounts(2, quota=30_000)

    run = site.run("upload")

    assert run.status == 0, run.said
    assert site.arrived() == library
    assert contents(site.source) == ({} if command == "move" else library)
    total = sum(size for size, _ in library.values())
    assert run.finished["files"] == len(HOSTILE_NAMES)
    assert run.finished["bytes"] == run.transferred_bytes == site.ledger_bytes() == total
    assert sorted(run.transferred.values()) == sorted(size for size, _ in library.values())
    if command == "copy":
        assert site.run("upload").of("file_transferred") == []


def test_a_name_that_rclone_itself_mistakes_stays_and_holds_up_no_other(site: LocalSite) -> None:
    # rclone reads its own quote character before a picture of a control character as its own encoding of it.
    mistaken = "\N{SINGLE HIGH-REVERSED-9 QUOTATION MARK}\N{SYMBOL FOR LINE FEED}".encode()
    site.write(mistaken, 2000)
    site.write("other", 1000)
    site.remote["upload_remote"] = "plain:Media"
    site.add_accounts(1, quota="1M")
    site.shorten_pauses()

    run = site.run("upload")

    assert run.status == 1, run.said
    assert contents(site.source).keys() == {mistaken}
    assert run.transferred == {"other": 1000}
    assert {event["error"].split(":")[0] for event in run.of("file_failed")} == {"Failed to copy"}
    assert (run.finished["outcome"], run.finished["files_left"], run.finished["bytes_left"]) == ("failed", 1, 2000)
    assert site.ledger_bytes() == 1000


def test_hostile_names_keep_to_one_line_of_the_log(tmp_path: Path, old_rclone: Path) -> None:
    site = LocalSite(tmp_path / "site", old_rclone)
    site.write(b"two\nlines \x1b[2J", 10)
    # A folder where the file is to go: this rclone then tells of the failure with the raw name in it.
    (site.cloud / "Media" / "two\nlines \x1b[2J.bin").mkdir(parents=True)
    site.remote["upload_remote"] = "plain:Media"
    site.shorten_pauses()

    run = site.run("upload")

    assert run.status == 1, run.said
    assert "is a directory" in run.stdout
    for text in (run.stdout, (site.root / "cloudplow.log").read_text(encoding="utf-8")):
        assert "\x1b" not in text
        assert all(line[:4].isdigit() for line in text.splitlines())


def test_names_that_the_log_cannot_tell_apart_are_counted_one_by_one(site: LocalSite) -> None:
    for number, name in enumerate((b"same \xff", b"same \xfe", "same \N{REPLACEMENT CHARACTER}".encode(), b"other")):
        site.write(name, 1000 + number)
    library = contents(site.source)
    site.add_accounts(1, quota="1M")
    site.remote["upload_remote"] = "plain:Media"

    run = site.run("upload")

    assert run.status == 0, run.said
    assert site.arrived() == library
    assert contents(site.source) == {}
    assert sorted(event["size"] for event in run.of("file_transferred")) == [1000, 1001, 1002, 1003]
    assert run.finished["bytes"] == site.ledger_bytes() == 4006


# Open files

OPEN_NAMES: tuple[bytes, ...] = (
    b"plain.mkv",
    b"[2024] {x265} * ? \\ (1080p).mkv",
    b"folder [a]/*.mkv",
    b"line\nbreak.mkv",
    b"invalid \xff.mkv",
    b" spaces ",
)


@pytest.fixture
def holding(site: LocalSite) -> Iterator[subprocess.Popen[bytes]]:
    """A process that holds every file of OPEN_NAMES open."""
    paths = [site.write(name, 5000) for name in OPEN_NAMES]
    program = "import sys\nfiles = [open(path, 'ab') for path in sys.argv[1:]]\nprint(flush=True)\nsys.stdin.read()"
    command = [sys.executable, "-c", program, *map(str, paths)]
    with ExitStack() as stack:
        process = stack.enter_context(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE))
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


def test_open_files_wait_until_they_are_closed(site: LocalSite, holding: subprocess.Popen[bytes]) -> None:
    site.write("closed [2024].mkv", 100)
    site.write("folder [a]/closed.mkv", 100)
    site.uploader["exclude_open_files"] = True
    site.remote["upload_remote"] = "plain:Media"

    while_open = site.run("upload")

    assert while_open.status == 0, while_open.said
    assert while_open.transferred.keys() == {"closed [2024].mkv", "folder [a]/closed.mkv"}
    assert contents(site.source).keys() == set(OPEN_NAMES)

    holding.communicate(b"")
    afterwards = site.run("upload")

    assert afterwards.status == 0, afterwards.said
    assert contents(site.source) == {}
    assert afterwards.finished["files"] == len(OPEN_NAMES)


def test_open_files_go_where_the_configuration_says_so(site: LocalSite, holding: subprocess.Popen[bytes]) -> None:
    site.uploader.update(exclude_open_files=True, opened_excludes=["folder [a]"])
    site.remote["upload_remote"] = "plain:Media"

    run = site.run("upload")

    assert run.status == 0, run.said
    assert run.transferred.keys() == {"folder [a]/*.mkv"}
