"""What is charged: the computed size, or the answer asked for afterwards, is what the Drive counted, to the byte."""

from __future__ import annotations

import json
import random
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from cloudplow.rclone.command import Rclone
from cloudplow.rclone.destination import Destination, look_up
from cloudplow.rclone.process import run
from cloudplow.rclone.stored_questions import question_command, read_output
from tests.fake_drive import FakeDrive
from tests.fake_drive.pytest_plugin import MakeDrive
from tests.rclone_binaries import read_version

pytestmark = [pytest.mark.rclone, pytest.mark.thin(6)]

Setup = Callable[[FakeDrive, Path], None]
CHUNK = "100000B"


def add_remotes(drive: FakeDrive, folder: Path) -> None:
    """Everything that can lie on a drive, and most of it on something else."""
    remotes = drive.remotes
    local = folder / "local"
    local.mkdir()
    chunker = {"chunk_size": CHUNK}
    remotes.add_crypt("secret", "gdrive:s")
    remotes.add_crypt("twice", "secret:t")
    remotes.add_crypt("plain data", "gdrive:p", no_data_encryption="true")
    remotes.add_alias("short", "secret:a")
    remotes.add("hashes", "hasher", remote="secret:h", hashes="md5,sha1")
    remotes.add("chunks", "chunker", remote="gdrive:k", **chunker)
    remotes.add("no meta", "chunker", remote="gdrive:k", meta_format="none", hash_type="none", **chunker)
    remotes.add("no hash", "chunker", remote="gdrive:k", hash_type="none", **chunker)
    remotes.add("quick", "chunker", remote="gdrive:k", hash_type="sha1quick", **chunker)
    remotes.add("md5all", "chunker", remote="gdrive:k", hash_type="md5all", **chunker)
    remotes.add("sha1all", "chunker", remote="gdrive:k", hash_type="sha1all", **chunker)
    remotes.add("no rename", "chunker", remote="gdrive:k", transactions="norename", **chunker)
    remotes.add("other names", "chunker", remote="zip:k", name_format="*.part#", start_from="0", **chunker)
    remotes.add("chunks of secret", "chunker", remote="secret:k", hash_type="md5all", **chunker)
    remotes.add("chunks of zip", "chunker", remote="zip:k", **chunker)
    remotes.add("sha1 of zip", "chunker", remote="zip:k", hash_type="sha1all", **chunker)
    remotes.add("chunks of mixed", "chunker", remote="mixed:k", **chunker)
    remotes.add_crypt("secret chunks", "chunks:c")
    remotes.add("zip", "compress", remote="gdrive:z", level="6")
    remotes.add("zip of secret", "compress", remote="secret:z", level="6")
    remotes.add("zip of chunks", "compress", remote="chunks:z", level="6")
    remotes.add("zip of mixed", "compress", remote="mixed:z", level="6")
    remotes.add("level of version", "compress", remote="gdrive:z")
    remotes.add_crypt("secret zip", "zip:e")
    remotes.add_union("both", "gdrive:u1", "gdrive:u2")
    remotes.add_union("mixed", "gdrive:u1", "secret:u2", create_policy="rand")
    remotes.add_union("all", "gdrive:u1", "secret:u2", create_policy="all")
    remotes.add_union("read only", "gdrive:u1:ro", "secret:u2")
    remotes.add_union("with disk", str(local), "secret:u2", create_policy="rand")
    remotes.add_union("zips", "zip:u1", '"zip of secret:u2"', create_policy="rand")
    remotes.add_combine("folders", a="gdrive:ca", b="secret:cb", c="zip:cc")
    remotes.add_crypt("secret union", "both:e")


EXACT: Final = [
    "gdrive:",
    "secret:",
    "twice:",
    "plain data:",
    "short:",
    "hashes:",
    "chunks:",
    "no meta:",
    "no hash:",
    "quick:",
    "md5all:",
    "sha1all:",
    "no rename:",
    "chunks of secret:",
    "secret chunks:",
    "secret zip:",
    "both:",
    "all:",
    "read only:",
    "secret union:",
    "folders:a",
    "folders:b/deeper",
]
ASKED: Final = [
    "zip:",
    "zip of secret:",
    "zip of chunks:",
    "zip of mixed:",
    "level of version:",
    "chunks of zip:",
    "sha1 of zip:",
    "chunks of mixed:",
    "other names:",
    "mixed:",
    "with disk:",
    "zips:",
    "folders:c",
]


def write_library(folder: Path) -> dict[str, int]:
    """Files of all kinds; returns name -> size."""
    noise = random.Random(7).randbytes(420_000)
    text = b"All work and no play makes Jack a dull boy. " * 8_000
    contents = {
        "empty": b"",
        "one byte.txt": b"x",
        ".hidden/.also hidden": text[:70],
        "ä ö ü/Straße [1080p] {x}.mkv": noise[:65_536],
        "ä ö ü/100% ~ 50%25 *?.mkv": noise[:65_537],
        "a/one chunk.bin": noise[:100_000],
        "a/one more.bin": noise[:100_001],
        "a/three chunks.bin": noise[:300_000],
        "a/b/c/text.srt": text[:200_000],
        "a/b/c/text.srt.json": text[:3_000],
        "a/b/mixed.dat": text[:150_000] + noise[:270_000],
        "a/page.html": b"<html><meta charset='utf-8'><p>" + text[:500],
        "a/#comment; and 'quotes' & \"more\".nfo": text[:255],
        "a/line\nbreak\ttab.nfo": noise[:10],
        " space before/and after ": noise[:999],
    }
    contents |= {f"many/{number:02}/{number % 7} file.nfo": text[: number * 13] for number in range(40)}
    for name, content in contents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return {name.replace("\n", "␊").replace("\t", "␉"): len(content) for name, content in contents.items()}


class Site:
    """A folder of files, and a Drive with every kind of remote."""

    def __init__(self, drive: FakeDrive, rclone: Path, folder: Path) -> None:
        self.drive = drive
        self.rclone = rclone
        self.folder = folder
        self.source = folder / "source"
        self.source.mkdir()
        add_remotes(drive, folder)
        self.environment = drive.process_env({"RCLONE_DRIVE_PACER_MIN_SLEEP": "1ms"})

    def upload(self, destination: str) -> None:
        # Several tries, because the first files in a new union may fail before anything was sent.
        command = [str(self.rclone), "copy", str(self.source), destination]
        subprocess.run(command, env=self.environment, check=True, capture_output=True, timeout=60)

    def look_up(self, path: str, *, version: str | None = None) -> Destination:
        done = run([str(self.rclone), "config", "dump"], environment=self.environment)
        return look_up(path, json.loads(done.stdout), version=read_version(self.rclone) if version is None else version)

    def ask(self, destination: Destination, sizes: dict[str, int]) -> dict[str, int]:
        """What the files take, as rclone says."""
        inquiry = destination.stored_inquiry(sizes.items())
        outputs = []
        for question in inquiry.questions:
            names = self.folder / "names"
            names.write_bytes(question.file_list)
            command = question_command(Rclone(str(self.rclone)), question, names, {})
            outputs.append(read_output(run(command, environment=self.environment, timeout_seconds=60)))
        assert None not in outputs
        return inquiry.read(outputs)

    def charged(self) -> int:
        return self.drive.usage(1).committed


@pytest.fixture
def site(fake_drive: MakeDrive, rclone: Path, tmp_path: Path) -> Site:
    return Site(fake_drive(keeps_content=True), rclone, tmp_path)


@pytest.mark.parametrize("path", EXACT)
def test_what_can_be_computed_is_what_the_drive_counts(site: Site, path: str) -> None:
    sizes = write_library(site.source)
    site.upload(path)
    destination = site.look_up(path)

    assert sum(destination.stored_bytes(size) for size in sizes.values()) == site.charged()
    assert destination.sizes_are_exact
    assert destination.stored_inquiry(sizes.items()).questions == ()


@pytest.mark.parametrize("path", ASKED)
def test_what_cannot_be_computed_is_bounded_and_told_afterwards(site: Site, path: str) -> None:
    sizes = write_library(site.source)
    site.upload(path)
    destination = site.look_up(path)
    told = site.ask(destination, sizes)

    assert not destination.sizes_are_exact
    assert told.keys() == sizes.keys()
    assert sum(told.values()) == site.charged()
    assert {name: size for name, size in told.items() if size > destination.stored_bytes(sizes[name])} == {}


def test_a_replaced_file_is_asked_for_again(site: Site) -> None:
    (site.source / "a.txt").write_bytes(b"one " * 5_000)
    site.upload("zip of secret:")
    destination = site.look_up("zip of secret:")
    first = site.ask(destination, {"a.txt": 20_000})
    (site.source / "a.txt").write_bytes(b"another " * 3_000)
    site.upload("zip of secret:")

    assert first["a.txt"] + site.ask(destination, {"a.txt": 24_000})["a.txt"] == site.charged()
    assert site.ask(destination, {"a.txt": 20_000, "b.txt": 5}) == {}


def test_only_the_folders_of_the_names_asked_for_are_listed(site: Site) -> None:
    sizes = write_library(site.source)
    site.upload("zip of secret:deep")
    destination = site.look_up("zip of secret:deep")
    before = site.drive.requests(1)["list"]
    wanted = {name: sizes[name] for name in ("many/03/3 file.nfo", "a/b/c/text.srt")}

    assert site.ask(destination, wanted).keys() == wanted.keys()
    # The folders "deep", "many" and "03", "a", "b" and "c", and those that lead to "deep".
    assert site.drive.requests(1)["list"] - before <= 12


def test_a_folder_that_is_not_there_holds_nothing(site: Site) -> None:
    assert site.ask(site.look_up("zips:never/uploaded"), {"a.txt": 5}) == {}


MODES: Final = [("gzip", "-2"), ("gzip", "0"), ("gzip", "1"), ("gzip", "9"), ("zstd", "1"), ("zstd", "4")]


@pytest.mark.parametrize(("mode", "level"), MODES)
def test_what_compresses_worst_stays_within_the_bound(site: Site, mode: str, level: str) -> None:
    if mode == "zstd" and read_version(site.rclone).startswith("1.60"):
        pytest.skip("rclone 1.60 knows no zstd")
    noise = random.Random(3).randbytes(3 << 20)
    sizes = {}
    # Seems worth compressing from its first MiB, but is not.
    for number, size in enumerate([1_000, 33_000, 100_000, 1 << 20, 2_500_000, 4_000_001]):
        content = b"a" * min(size // 5, 250_000) + noise
        (site.source / f"{number}.dat").write_bytes(content[:size])
        sizes[f"{number}.dat"] = min(size, len(content))
    site.drive.remotes.add("zip", "compress", remote="gdrive:z", mode=mode, level=level)
    site.upload("zip:")
    destination = site.look_up("zip:")
    told = site.ask(destination, sizes)

    assert sum(told.values()) == site.charged()
    assert {name: size for name, size in told.items() if size > destination.stored_bytes(sizes[name])} == {}
    # And it is not much more than what is stored at worst.
    assert destination.stored_bytes(10 << 30) < (10 << 30) * 1.01


@pytest.mark.parametrize("path", ["secret zip:", "sha1all:"])
def test_the_bound_holds_whatever_version_it_is(site: Site, path: str) -> None:
    sizes = write_library(site.source)
    site.upload(path)
    destination = site.look_up(path, version="")

    assert not destination.sizes_are_exact
    assert site.charged() <= sum(destination.stored_bytes(size) for size in sizes.values())


def test_options_of_the_command_count(site: Site) -> None:
    sizes = write_library(site.source)
    site.upload("chunks,hash_type=none:sub")
    destination = site.look_up("chunks,hash_type=none:sub")

    assert sum(destination.stored_bytes(size) for size in sizes.values()) == site.charged()
