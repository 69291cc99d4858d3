"""The set-up of script/test and script/demo on a machine whose Python can make no virtual environment."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

VENV_SH = Path(__file__).parents[2] / "script" / "venv.sh"


def write_program(path: Path, body: str) -> None:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def set_up(folder: Path, *, user: int, python: str = "python3") -> subprocess.CompletedProcess[str]:
    """Make a .venv with a Python that has neither ensurepip nor pip; apt-get notes what it is asked for, and fails."""
    programs = folder / "bin"
    programs.mkdir()
    write_program(programs / "id", f"echo {user}")
    write_program(programs / "apt-get", f'echo "$*" >>"{folder}/asked"\nexit 1')
    for name in ("python3", "python3.14", "python3.13", "python3.12", "python3.11"):
        new_enough = 0 if name == python else 1
        write_program(programs / name, f'case "$*" in *version_info*) exit {new_enough} ;; esac\nexit 1')
    commands = f'root="{folder}" me=script/test\n. "{VENV_SH}"\nensure_venv test'
    return subprocess.run(
        ["/bin/sh", "-euc", commands],
        env={"PATH": f"{programs}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


@pytest.mark.parametrize(
    ("user", "python", "cure"),
    [
        (1000, "python3", "sudo apt-get install python3-venv"),
        (0, "python3", "apt-get install python3-venv"),
        (1000, "python3.12", "sudo apt-get install python3.12-venv"),
    ],
)
def test_the_one_command_that_cures_it_is_told(tmp_path: Path, user: int, python: str, cure: str) -> None:
    done = set_up(tmp_path, user=user, python=python)

    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last == f"script/test: cannot make a virtual environment; this cures it: {cure}"


def test_the_package_is_installed_only_where_that_needs_no_password(tmp_path: Path) -> None:
    for user in (0, 1000):
        (tmp_path / str(user)).mkdir()
        set_up(tmp_path / str(user), user=user)

    assert "install python3-venv" in (tmp_path / "0" / "asked").read_text()
    assert not (tmp_path / "1000" / "asked").exists()
