"""systemd itself looks at the unit and at the drop-in that `cloudplow check --systemd` prints."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

import pytest

from cloudplow.commands.systemd_paths import Paths, drop_in
from tests.tools import require_program

UNIT: Final = Path(__file__).parents[2] / "contrib" / "systemd" / "cloudplow.service"
PROGRAM: Final = "/opt/cloudplow/venv/bin/cloudplow"


def verified(folder: Path, paths: Paths) -> str:
    """What systemd finds in the unit with such a drop-in."""
    unit = folder / UNIT.name
    unit.write_text(UNIT.read_text().replace(PROGRAM, "/bin/true"))
    (folder / f"{UNIT.name}.d").mkdir()
    (folder / f"{UNIT.name}.d" / "paths.conf").write_text("\n".join(drop_in(paths)) + "\n")
    done = subprocess.run(
        [require_program("systemd-analyze", "systemd"), "verify", "--man=no", "--recursive-errors=no", unit],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode == 0) == (not done.stderr), done
    return done.stderr


def test_the_unit_and_a_drop_in_with_every_kind_of_path_are_clean(tmp_path: Path) -> None:
    names = ("Media", "My Media", "100%", "%h", 'a "b"', "a\\x20b", "$HOME", "#x", ";x", "Übung", "a\nb")

    assert verified(tmp_path, Paths(tuple(Path("/mnt", name) for name in names), (Path("/opt/sa/all keys"),))) == ""


def test_systemd_says_when_a_path_is_written_wrongly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cloudplow.commands.systemd_paths.quoted", lambda path: f'"{path}')

    assert "paths.conf:5" in verified(tmp_path, Paths((Path("/mnt/My Media"),), ()))


def test_the_unit_hides_nothing_that_is_needed_and_ends_rclone_properly() -> None:
    settings = dict(
        line.split("=", 1) for line in UNIT.read_text().splitlines() if "=" in line and not line.startswith("#")
    )

    blinding = {
        "ProtectProc",
        "ProcSubset",
        "PrivateUsers",
        "PrivatePIDs",
        "PrivateTmp",
        "ProtectHome",
        "TemporaryFileSystem",
    }
    assert settings.keys() & blinding == set()
    assert (settings["Type"], settings["KillMode"], settings["Restart"]) == ("notify", "mixed", "on-failure")
    assert settings["ExecStart"].split()[:2] == [PROGRAM, "run"]
