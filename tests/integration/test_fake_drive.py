"""The fake Google Drive with the real rclone, each version: what it keeps, denies and breaks."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.fake_drive import MY_DRIVE, FakeDrive
from tests.fake_drive.pytest_plugin import MakeDrive, fake_drive_fixture

__all__ = ["fake_drive_fixture"]
pytestmark = pytest.mark.rclone

MB = 1_000_000
STOP = "--drive-stop-on-upload-limit"
NAMES = (
    "plain.txt",
    "it's.txt",
    'say "hi".txt',
    "a b  c.txt",
    "back\\slash.txt",
    "ünï ⓒ 日本.txt",
    "[x] {y} %.txt",
)


def run(
    rclone: Path, drive: FakeDrive, *arguments: str | Path, env: Mapping[str, str] | None = None, timeout: float = 60
) -> subprocess.CompletedProcess[str]:
    """Run rclone against the Drive."""
    command = [str(rclone), *map(str, arguments)]
    return subprocess.run(
        command, env=drive.process_env(env), capture_output=True, text=True, timeout=timeout, check=False
    )


def write(path: Path, size: int) -> bytes:
    """Make a file of random content, and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = os.urandom(size)
    path.write_bytes(content)
    return content


def write_many(folder: Path, count: int, size: int) -> None:
    """Make files 0.bin, 1.bin ..."""
    for number in range(count):
        write(folder / f"{number}.bin", size)


# What is kept.


def test_small_and_large_files_arrive_with_exact_names_sizes_and_sums(
    rclone: Path, fake_drive: MakeDrive, tmp_path: Path
) -> None:
    drive = fake_drive()
    written = {f"deep/{'x/' * depth}{name}": 1 + 999 * depth for depth, name in enumerate(NAMES)}
    written |= {"empty.bin": 0, "large.bin": 20 * MB, "cutoff.bin": 8 << 20}
    contents = {name: write(tmp_path / "source" / name, size) for name, size in written.items()}

    moved = run(rclone, drive, "move", tmp_path / "source", "gdrive:Media", "--transfers=8")

    assert moved.returncode == 0, moved.stderr
    expected = {
        f"Media/{name}": (len(content), hashlib.md5(content, usedforsecurity=False).hexdigest())
        for name, content in contents.items()
    }
    assert {path: (file.size, file.md5) for path, file in drive.files().items()} == expected
    listed = run(rclone, drive, "lsf", "-R", "--files-only", "--format=hsp", "--hash=MD5", "gdrive:")
    assert set(listed.stdout.splitlines()) == {f"{md5};{size};{path}" for path, (size, md5) in expected.items()}
    assert drive.usage(1).committed == sum(written.values())
    assert not [path for path in (tmp_path / "source").rglob("*") if path.is_file()]


def test_a_check_compares_sums_and_finds_a_difference(rclone: Path, fake_drive: MakeDrive, tmp_path: Path) -> None:
    drive = fake_drive()
    write_many(tmp_path / "source", 5, 1000)
    assert run(rclone, drive, "copy", tmp_path / "source", "gdrive:").returncode == 0
    assert run(rclone, drive, "check", tmp_path / "source", "gdrive:").returncode == 0

    write(tmp_path / "source" / "3.bin", 1000)

    differing = run(rclone, drive, "check", tmp_path / "source", "gdrive:")
    assert differing.returncode == 1
    assert "1 differences found" in differing.stderr


def test_content_can_be_kept_and_read_back(rclone: Path, fake_drive: MakeDrive, tmp_path: Path) -> None:
    drive = fake_drive(keeps_content=True)
    large = write(tmp_path / "source" / "large.bin", 9 * MB)
    (tmp_path / "source" / "small.txt").write_text("0123456789")
    assert run(rclone, drive, "copy", tmp_path / "source", "gdrive:").returncode == 0

    assert run(rclone, drive, "check", "--download", tmp_path / "source", "gdrive:").returncode == 0
    assert run(rclone, drive, "cat", "--offset=5", "--count=4", "gdrive:small.txt").stdout == "5678"
    copied = run(rclone, drive, "copy", "gdrive:large.bin", tmp_path / "back")
    assert copied.returncode == 0, copied.stderr
    assert (tmp_path / "back" / "large.bin").read_bytes() == large


def test_files_are_replaced_moved_copied_and_deleted(rclone: Path, fake_drive: MakeDrive, tmp_path: Path) -> None:
    drive = fake_drive()
    write_many(tmp_path / "source", 3, 1000)
    assert run(rclone, drive, "copy", tmp_path / "source", "gdrive:a").returncode == 0
    write(tmp_path / "source" / "0.bin", 2000)

    assert run(rclone, drive, "copy", tmp_path / "source", "gdrive:a").returncode == 0
    assert run(rclone, drive, "moveto", "gdrive:a/1.bin", "gdrive:b/one's.bin").returncode == 0
    assert run(rclone, drive, "copyto", "gdrive:a/2.bin", "gdrive:b/two.bin").returncode == 0
    assert run(rclone, drive, "deletefile", "gdrive:a/2.bin").returncode == 0
    assert run(rclone, drive, "mkdir", "gdrive:empty").returncode == 0
    assert run(rclone, drive, "rmdir", "gdrive:empty").returncode == 0

    sizes = {path: file.size for path, file in drive.files().items()}
    assert sizes == {"a/0.bin": 2000, "b/one's.bin": 1000, "b/two.bin": 1000}
    assert drive.duplicates() == []
    assert drive.usage(1).committed == 5000


def test_modification_times_are_kept_and_compared(rclone: Path, fake_drive: MakeDrive, tmp_path: Path) -> None:
    drive = fake_drive()
    write_many(tmp_path / "source", 1, 10)
    os.utime(tmp_path / "source" / "0.bin", (1_500_000_000, 1_500_000_000))
    assert run(rclone, drive, "copy", tmp_path / "source", "gdrive:").returncode == 0
    assert drive.files()["0.bin"].modified.startswith("2017-07-14T02:40:00")

    os.utime(tmp_path / "source" / "0.bin", (1_600_000_000, 1_600_000_000))
    again = run(rclone, drive, "copy", "-v", tmp_path / "source", "gdrive:")

    assert "Updated modification time in destination" in again.stderr
    assert drive.files()["0.bin"].modified.startswith("2020-09-13T12:26:40")


def test_long_lists_come_in_pages(rclone: Path, fake_drive: MakeDrive, tmp_path: Path) -> None:
    drive = fake_drive()
    write_many(tmp_path / "source", 25, 1)
    assert run(rclone, drive, "copy", tmp_path / "source", "gdrive:", "--transfers=16").returncode == 0

    listed = run(rclone, drive, "lsf", "gdrive:", "--drive-list-chunk=10")

    assert len(listed.stdout.splitlines()) == 25
    assert drive.requests(1)["multipart"] == 25


def test_duplicates_are_seen(rclone: Path, fake_drive: MakeDrive, tmp_path: Path) -> None:
    drive = fake_drive()
    write(tmp_path / "one", 10)
    for name in ("same.bin", "other.bin"):
        assert run(rclone, drive, "copyto", tmp_path / "one", f"gdrive:d/{name}").returncode == 0
    assert drive.duplicates() == []

    with drive.world.lock:
        other = next(entry for _, entry in drive.world.store.walk("0AFakeSharedDrive") if entry.name == "other.bin")
        drive.world.store.move(other, "same.bin", other.parent)

    assert drive.duplicates() == ["d/same.bin"]


# Remotes on top, and which account is used.


def test_crypt_union_alias_chunker_and_combine_lie_on_top(rclone: Path, fake_drive: MakeDrive, tmp_path: Path) -> None:
    drive = fake_drive(keeps_content=True)
    drive.add_remote("mine", drive=MY_DRIVE, root_folder="root")
    drive.remotes.add_crypt("secret", "gdrive:crypt").add_alias("short", "gdrive:alias")
    drive.remotes.add_union("both", "gdrive:union", "mine:union", create_policy="all")
    drive.remotes.add_chunker("pieces", "gdrive:chunker", chunk_size="1M").add_combine("parts", one="gdrive:combine")
    write(tmp_path / "source" / "film.bin", 3 * MB)

    for place in ("secret:", "short:", "both:", "pieces:", "parts:one"):
        copied = run(rclone, drive, "copy", tmp_path / "source", place)
        assert copied.returncode == 0, copied.stderr
        compared = run(rclone, drive, "check", "--download", tmp_path / "source", place)
        assert compared.returncode == 0, compared.stderr

    folders = {path.partition("/")[0] for path in drive.files()}
    assert folders == {"crypt", "alias", "union", "chunker", "combine"}
    assert set(drive.files(MY_DRIVE)) == {"union/film.bin"}
    encrypted = [file for path, file in drive.files().items() if path.startswith("crypt/")]
    assert [file.size for file in encrypted] == [3 * MB + 32 + 16 * -(-3 * MB // 65_536)]


@pytest.mark.parametrize("name", ["gdrive", "GDrive", "my-drive", "my drive", "my_drive", "my.drive"])
def test_a_variable_selects_the_account(rclone: Path, fake_drive: MakeDrive, tmp_path: Path, name: str) -> None:
    """RCLONE_CONFIG_<NAME>_SERVICE_ACCOUNT_FILE: <NAME> is the remote's name in upper case and NOTHING else changed.

    "my-drive" needs RCLONE_CONFIG_MY-DRIVE_..., "my drive" RCLONE_CONFIG_MY DRIVE_..., "my.drive"
    RCLONE_CONFIG_MY.DRIVE_...; with "_" in their place, or in lower case, it has no effect: no error, and the account
    of the configuration is charged. Both versions alike. Such variables survive exec and bash but not dash
    (Debian's /bin/sh drops what is no valid shell name): no shell script may stand between.
    """
    drive = fake_drive(accounts=2)
    drive.add_remote(name, account=1)
    write(tmp_path / "one", 10)
    variants = {name.upper(): "2.json"}
    for other in (name, name.upper().replace("-", "_").replace(" ", "_").replace(".", "_")):
        variants.setdefault(other, "1.json")

    for number, (variable, account) in enumerate(variants.items()):
        env = {f"RCLONE_CONFIG_{variable}_SERVICE_ACCOUNT_FILE": str(drive.key_file(2))}
        done = run(rclone, drive, "copyto", tmp_path / "one", f"{name}:{number}", env=env)
        assert done.returncode == 0, done.stderr
        assert drive.files()[str(number)].account == account, variable


@pytest.mark.parametrize("place", ["secret:", "short:", "both:", "pieces:", "parts:one"])
def test_a_variable_selects_the_account_below_other_remotes(
    rclone: Path, fake_drive: MakeDrive, tmp_path: Path, place: str
) -> None:
    """The variable names the drive remote, not the one on top of it; it then reaches through every layer."""
    drive = fake_drive(accounts=2)
    drive.remotes.add_crypt("secret", "gdrive:").add_alias("short", "gdrive:")
    drive.remotes.add_union("both", "gdrive:a", "gdrive:b", create_policy="all")
    drive.remotes.add_chunker("pieces", "gdrive:").add_combine("parts", one="gdrive:")
    write(tmp_path / "one", 10)
    env = {"RCLONE_CONFIG_GDRIVE_SERVICE_ACCOUNT_FILE": str(drive.key_file(2))}

    done = run(rclone, drive, "copy", tmp_path / "one", place, env=env)

    assert done.returncode == 0, done.stderr
    assert {file.account for file in drive.files().values()} == {"2.json"}


def test_a_flag_selects_the_account_below_other_remotes(rclone: Path, fake_drive: MakeDrive, tmp_path: Path) -> None:
    """`--drive-service-account-file` beats variable and configuration, for every drive remote of the run."""
    drive = fake_drive(accounts=3)
    drive.remotes.add_crypt("secret", "gdrive:crypt")
    write(tmp_path / "one", 10)

    done = run(
        rclone,
        drive,
        "copyto",
        tmp_path / "one",
        "secret:one",
        f"--drive-service-account-file={drive.key_file(3)}",
        env={"RCLONE_CONFIG_GDRIVE_SERVICE_ACCOUNT_FILE": str(drive.key_file(2))},
    )

    assert done.returncode == 0, done.stderr
    assert [file.account for file in drive.files().values()] == ["3.json"]


def test_a_wrapped_rclone_finds_the_drive(rclone: Path, fake_drive: MakeDrive, tmp_path: Path) -> None:
    drive = fake_drive(accounts=2)
    drive.add_remote("my-drive")
    write(tmp_path / "one", 10)
    env = {**os.environ, "RCLONE_CONFIG_MY-DRIVE_SERVICE_ACCOUNT_FILE": str(drive.key_file(2))}

    subprocess.run([drive.wrap(rclone), "copyto", tmp_path / "one", "my-drive:one"], env=env, check=True, timeout=60)

    assert drive.files()["one"].account == "2.json"
