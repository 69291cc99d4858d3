"""Records what the real rclone says, into VERSION-CASE.jsonl beside this file, and its exit codes into codes.json;
and how it lists odd names, into VERSION-names.json.

    python -m tests.data.rclone.record [CASE ...]

The commands are the ones that an upload uses. Folders of this machine and ports are written as fixed names.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cloudplow.rclone.command import Job, Rclone, listing_command, transfer_command
from tests.fake_drive import Failure, FakeDrive, Fault, no_access, read_only
from tests.rclone_binaries import VERSIONS, find_rclone

HERE: Final = Path(__file__).parent
Files = Mapping[str, int]

SMALL: Final[Files] = {"a.mkv": 3000, "Show/S01E01.mkv": 2000, "Show/line\nbreak.mkv": 10, "Björk – Jóga.flac": 7}


@dataclass(frozen=True)
class Case:
    """One run. files: names and sizes; prepare: changes the Drive before; setting: what the Drive is like."""

    files: Files
    command: str = "move"
    extras: Mapping[str, Any] | None = None
    dry_run: bool = False
    source: str = ""
    destination: str = "gdrive:Media"
    prepare: Callable[[FakeDrive], object] = lambda _drive: None
    first_copied: bool = False


def _slow(drive: FakeDrive) -> None:
    drive.set_settings(bandwidth=2e6)


def _denied(drive: FakeDrive) -> None:
    drive.set_quota(limit_bytes=5_000_000)
    drive.set_settings(bandwidth=40e6)


CASES: Final[Mapping[str, Case]] = {
    "moved": Case(SMALL),
    "copied": Case(SMALL, command="copy"),
    "already-there": Case(SMALL, first_copied=True),
    "nothing": Case({}),
    "dry-run": Case(SMALL, dry_run=True),
    "progress": Case({"big.mkv": 4_000_000, "other.mkv": 1_000_000}, prepare=_slow),
    "denied": Case({f"{n}.mkv": 1_500_000 for n in range(8)}, extras={"--transfers": 2}, prepare=_denied),
    "quota-exceeded": Case(
        SMALL, prepare=lambda drive: drive.add_fault(Fault(Failure.QUOTA, kinds=frozenset({"multipart"})))
    ),
    "storage-full": Case(
        SMALL, prepare=lambda drive: drive.add_fault(Fault(Failure.STORAGE_FULL, kinds=frozenset({"multipart"})))
    ),
    "drive-full": Case(
        SMALL, prepare=lambda drive: drive.add_fault(Fault(Failure.FILE_LIMIT, kinds=frozenset({"multipart"})))
    ),
    "revoked": Case(SMALL, prepare=lambda drive: drive.revoke(1)),
    "no-access": Case(SMALL, prepare=lambda drive: drive.add_fault(no_access("1.json"))),
    "read-only": Case(SMALL, prepare=lambda drive: drive.add_fault(read_only("1.json"))),
    "some-failed": Case(SMALL, destination="local"),
    "max-transfer": Case(
        {f"{n}.mkv": 1_000_000 for n in range(6)},
        extras={"--max-transfer": "2M", "--cutoff-mode": "soft", "--transfers": 1},
    ),
    "max-duration": Case(
        {f"{n}.mkv": 2_000_000 for n in range(4)}, extras={"--max-duration": "1s", "--transfers": 1}, prepare=_slow
    ),
    "max-duration-soft": Case(
        {f"{n}.mkv": 2_000_000 for n in range(4)},
        extras={"--max-duration": "1s", "--cutoff-mode": "soft", "--transfers": 1},
        prepare=_slow,
    ),
    "no-source": Case(SMALL, source="gone"),
    "no-remote": Case(SMALL, destination="nowhere:Media"),
    "unknown-flag": Case(SMALL, extras={"--no-such-flag": None}),
}


def record(version: str, name: str, case: Case) -> int:
    """Run it once; returns the exit code."""
    binary = find_rclone(version)
    if binary is None:
        raise SystemExit(f"rclone {version} is not installed")
    with tempfile.TemporaryDirectory() as folder, FakeDrive(Path(folder), accounts=1) as drive:
        source = Path(folder) / "source"
        source.mkdir()
        for path, size in case.files.items():
            (source / path).parent.mkdir(exist_ok=True)
            (source / path).write_bytes(b"x" * size)
        listed = [path.replace("\n", "\u240a") for path in case.files]
        list_path = Path(folder) / "stage.list"
        list_path.write_text("".join(f"{path}\n" for path in listed))
        destination = case.destination
        if destination == "local":
            # A folder stands where a file is to go.
            destination = str(Path(folder) / "local")
            (Path(destination) / "a.mkv").mkdir(parents=True)
            (Path(destination) / "a.mkv" / "in the way").touch()
        job = Job(
            case.command,
            str(Path(folder) / case.source if case.source else source),
            destination,
            case.extras or {},
            dry_run=case.dry_run,
        )
        if case.first_copied:
            copy = Job("copy", job.source, destination)
            subprocess.run(
                transfer_command(Rclone(str(binary)), copy, list_path), env=drive.process_env(), capture_output=True
            )
        case.prepare(drive)
        done = subprocess.run(
            transfer_command(Rclone(str(binary)), job, list_path),
            env=drive.process_env(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
    output = done.stdout.replace(folder.encode(), b"/mnt")
    output = re.sub(rb"127\.0\.0\.1:\d+", b"127.0.0.1:40000", output)
    output = re.sub(rb"upload_id=[\w-]+", b"upload_id=1", output)
    lines = output.splitlines(keepends=True)
    if len(lines) > 60:
        lines = [*lines[:40], *lines[-20:]]
    (HERE / f"{version}-{name}.jsonl").write_bytes(b"".join(lines))
    return done.returncode


#: Names that rclone shows otherwise than they are, or that look as if it did. Not among them: U+201B twice, which
#: rclone shows as it shows U+201B once.
ODD_NAMES: Final = (
    *(f"{chr(code)}" for code in range(1, 32)),
    *(
        "\x7f",
        "a\nb",
        "\u240a",
        "\u201b",
        "\u201b\u240a",
        "a\u201b",
        "\u201bx",
        "\u2400",
        "\u2420",
        "\u2421",
    ),
    *(
        "\uff0e",
        "\uff0e\uff0e",
        "a\uff0e",
        "\uff0f",
        "a\uff0fb",
        "...",
        " a",
        "a ",
        "a.",
        "~a",
        "#a",
        ";a",
        "-a",
        "a\\b",
    ),
    *(
        ":",
        "*",
        "?",
        "<",
        ">",
        "|",
        '"',
        "\uff0a",
        "\uff1a",
        "\uff1f",
        "\uff3c",
        "[a]",
        "{a}",
        "e\u0301",
        "\xe9",
        "\u202e",
    ),
    *("\udcff", "a\udc80b", "\udcc3", "Show\n/S01\u240a"),
)


def record_names(version: str) -> None:
    """How each odd name is listed: pairs of hexadecimal numbers, into VERSION-names.json."""
    with tempfile.TemporaryDirectory() as folder:
        by_size = {}
        for size, name in enumerate(ODD_NAMES, 1):
            path = Path(folder) / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(b"x" * size)
            by_size[size] = os.fsencode(name).hex()
        command = listing_command(Rclone(str(find_rclone(version))), Job("move", folder, ""))
        listed = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout
    pairs = sorted(
        (by_size[int(size)], name.hex()) for _, size, name in (line.split(b"\t") for line in listed.splitlines())
    )
    (HERE / f"{version}-names.json").write_text(json.dumps(pairs, indent=0) + "\n")


def main(names: list[str]) -> None:
    """Record the named cases, or all."""
    path = HERE / "codes.json"
    codes = json.loads(path.read_text()) if path.exists() else {}
    for version in VERSIONS:
        record_names(version)
    for name in names or CASES:
        for version in VERSIONS:
            codes[f"{version}-{name}"] = record(version, name, CASES[name])
    path.write_text(json.dumps(dict(sorted(codes.items())), indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
