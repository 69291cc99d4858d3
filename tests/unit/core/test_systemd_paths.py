"""The drop-in of `cloudplow check --systemd`: which folders, and how systemd wants them written."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from cloudplow.cli import main
from cloudplow.commands.systemd_paths import Paths, drop_in, quoted


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("/mnt/local", '"-/mnt/local"'),
        ("/mnt/My Media", '"-/mnt/My Media"'),
        ("/mnt/100%", '"-/mnt/100%%"'),
        ("/mnt/%h", '"-/mnt/%%h"'),
        ('/mnt/"q"', '"-/mnt/\\"q\\""'),
        ("/mnt/a\\x20b", '"-/mnt/a\\\\x20b"'),
        ("/mnt/$HOME;#", '"-/mnt/$HOME;#"'),
        ("/mnt/Übung", '"-/mnt/Übung"'),
        ("/mnt/a\nb", None),
        (os.fsdecode(b"/mnt/\xff"), None),
    ],
)
def test_a_path_is_quoted_as_systemd_reads_it(path: str, word: str | None) -> None:
    assert quoted(Path(path)) == word


def test_a_path_that_no_unit_can_name_is_a_comment_of_one_line() -> None:
    lines = list(drop_in(Paths((Path("/a\nb"),), ())))

    assert lines[4:] == ["# ReadWritePaths: this path cannot be written in a unit; rename it: b'/a\\nb'"]


def test_the_drop_in_names_the_folders_of_the_configuration_and_is_all_that_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "RCLONE_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/home/anna")
    document = {
        "core": {"rclone_config_path": "/etc/rclone/rclone.conf"},
        "plugins": [],
        "remotes": {name: {"upload_folder": f"/mnt/{name} x", "upload_remote": "g:"} for name in ("one", "two")},
        "uploader": {"one": {"service_account_path": "/opt/sa/all"}, "two": {"service_account_path": "/mnt/two x"}},
    }
    (tmp_path / "config.json").write_text(json.dumps(document))
    words = ["check", "--systemd", "--config", str(tmp_path / "config.json"), "--logfile", "/var/log/cp/one.log"]

    assert main(words) == 0

    told = capsys.readouterr()
    assert told.err == ""
    lines = told.out.splitlines()
    assert all(line.startswith("# ") for line in lines[:2])
    assert lines[2:] == [
        "[Service]",
        "ProtectSystem=strict",
        'ReadWritePaths="-/mnt/one x"',
        'ReadWritePaths="-/mnt/two x"',
        f'ReadWritePaths="-{tmp_path}"',
        'ReadWritePaths="-/var/log/cp"',
        'ReadWritePaths="-/etc/rclone"',
        'ReadWritePaths="-/home/anna/.config/rclone"',
        'ReadWritePaths="-/home/anna/.cache/rclone"',
        'ReadWritePaths="-/tmp"',
        'ReadWritePaths="-/var/tmp"',
        'ReadOnlyPaths="-/opt/sa/all"',
    ]


def test_a_configuration_with_faults_prints_no_drop_in(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "config.json").write_text("{")

    assert main(["check", "--systemd", "--config", str(tmp_path / "config.json")]) == 2
    told = capsys.readouterr()
    assert told.out == "" and "config.json" in told.err
