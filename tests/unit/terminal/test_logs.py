"""Log lines: one each, whatever they quote."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudplow import events
from cloudplow.terminal import logs
from cloudplow.terminal.display import LineDisplay
from cloudplow.terminal.logs import OneLineFormatter, escape_control


@pytest.fixture(autouse=True)
def root_logger_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    root.handlers = []
    yield
    for handler in root.handlers:
        handler.close()
    root.handlers = handlers
    root.setLevel(level)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain – ä 漢 🎬", "plain – ä 漢 🎬"),
        ("a\nb\rc\td", "a\\nb\\rc\\td"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\x00\x7f\x85\x9b", "\\x00\\x7f\\x85\\x9b"),
        ("a\u202egpj.exe", "a\\u202egpj.exe"),
        ("\u2028\u2029\u2066", "\\u2028\\u2029\\u2066"),
        ("\udcff", "\\udcff"),
    ],
)
def test_control_characters_are_shown_as_escapes(text: str, shown: str) -> None:
    assert escape_control(text) == shown


@given(st.text(st.characters()))
def test_escaped_text_is_one_line_that_can_be_written(text: str) -> None:
    shown = escape_control(text)
    shown.encode("utf-8")
    assert len(shown.splitlines()) <= 1
    assert not re.search(r"[\x00-\x1f\x7f]", shown)


def format_error(error: BaseException) -> str:
    record = logging.LogRecord("cloudplow", logging.ERROR, "x.py", 1, "failed", None, (type(error), error, None))
    return OneLineFormatter("%(levelname)s %(message)s").format(record)


def test_traceback_cannot_be_taken_for_log_lines_nor_command_the_terminal() -> None:
    text = format_error(ValueError("\x1b[2Jx\n2026-01-01 INFO all is well \udcff"))
    first, *more = text.split("\n")
    assert first == "ERROR failed"
    assert more
    assert all(line.startswith("  ") for line in more)
    assert "\x1b" not in text
    text.encode("utf-8")


def test_lines_go_to_the_file_and_to_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "cloudplow.log"
    logs.set_up("INFO", path)
    logging.getLogger("cloudplow.upload").info("moved %s", "a\nb")
    logging.getLogger("cloudplow.upload").debug("not this")
    (shown,) = capsys.readouterr().out.splitlines()
    assert shown.endswith("moved a\\nb")
    assert path.read_text() == f"{shown}\n"


@pytest.mark.parametrize(("level", "seen"), [("WARN", ["w"]), ("INFO", ["i", "w"]), ("DEBUG", ["d", "i", "w"])])
def test_levels_of_the_command_line(level: str, seen: list[str]) -> None:
    stream = io.StringIO()
    logs.set_up(level, None, terminal=logging.StreamHandler(stream))
    logger = logging.getLogger("cloudplow.upload")
    logger.debug("d")
    logger.info("i")
    logger.warning("w")
    assert stream.getvalue().split() == seen


def test_log_rotates_at_five_mebibytes_and_keeps_five(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (logs._FILE_BYTES, logs._FILES) == (5 << 20, 5)
    monkeypatch.setattr(logs, "_FILE_BYTES", 200)
    logs.set_up("INFO", tmp_path / "cloudplow.log", terminal=logging.StreamHandler(io.StringIO()))
    for number in range(100):
        logging.getLogger("cloudplow").info("line %d", number)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "cloudplow.log",
        *(f"cloudplow.log.{number}" for number in range(1, 6)),
    ]


def test_log_file_that_cannot_be_opened_costs_one_warning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up("INFO", tmp_path / "gone" / "cloudplow.log")
    (line,) = capsys.readouterr().out.splitlines()
    assert "The log file" in line
    assert line.endswith("cannot be written: No such file or directory; check the folder and its permissions")


def test_setting_up_again_replaces_the_handlers(tmp_path: Path) -> None:
    for _ in range(3):
        logs.set_up("INFO", tmp_path / "cloudplow.log", terminal=logging.StreamHandler(io.StringIO()))
    assert len(logging.getLogger().handlers) == 2


# Secrets, machines, modes


def test_no_secret_reaches_a_log_and_paths_do(tmp_path: Path) -> None:
    path, stream = tmp_path / "cloudplow.log", io.StringIO()
    logs.set_up("INFO", path, terminal=logging.StreamHandler(stream))
    log = logging.getLogger("cloudplow.upload")
    log.warning("open %s: Authorization: Bearer %s", "/mnt/x/a.mkv", "s3cr3ts3cr3t")
    try:
        raise ValueError("--rc-pass s3cr3ts3cr3t")
    except ValueError:
        log.exception("password is s3cr3ts3cr3t")

    for text in (path.read_text(), stream.getvalue()):
        assert "s3cr3t" not in text
        assert "open /mnt/x/a.mkv: Authorization: (hidden)" in text


def failed(name: str, error: str) -> events.FileFailed:
    return events.FileFailed(uploader="google", name=name, error=error, account="1.json", stage=1)


def test_names_of_files_stay_as_they_are_and_errors_are_cleaned() -> None:
    stream = io.StringIO()
    logs.set_up("INFO", None, terminal=logging.StreamHandler(stream))
    LineDisplay().on_event("google", event=failed("Secret: The password is x.mkv", "token=abc"))
    assert stream.getvalue().strip() == (
        "google: Could not upload Secret: The password is x.mkv with 1.json: token=(hidden)"
    )


@pytest.fixture
def as_json() -> Iterator[None]:
    logs.use_json(True)
    yield
    logs.use_json(False)


@pytest.mark.usefixtures("as_json")
def test_for_machines_every_line_is_an_object(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up("INFO", tmp_path / "cloudplow.log")
    log = logging.getLogger("cloudplow.upload")
    log.info("a\nb %s \udcff", "password=s3cr3t")
    try:
        raise ValueError("token=s3cr3t")
    except ValueError:
        log.exception("oops")
    LineDisplay().on_event("google", event=failed("a\n\udce4.mkv", "token=s3cr3t"))
    logs.say("password=s3cr3t", logging.WARNING)

    written = (tmp_path / "cloudplow.log").read_text().splitlines()
    shown = capsys.readouterr()
    assert shown.out.splitlines() == written
    plain, oops, told, said = map(json.loads, [*written, *shown.err.splitlines()])
    assert plain == {
        "ts": plain["ts"],
        "level": "info",
        "logger": "cloudplow.upload",
        "message": "a\nb password=(hidden) \udcff",
    }
    assert oops["level"] == "error" and "ValueError: token=(hidden)" in oops["traceback"]
    assert told["level"] == "warning"
    assert (told["event"]["signal"], told["event"]["name"]) == ("file_failed", "a\n\udce4.mkv")
    assert told["event"]["error"] == "token=(hidden)"
    assert (said["level"], said["message"]) == ("warning", "password=(hidden)")


@pytest.mark.usefixtures("as_json")
def test_a_number_that_json_does_not_know_costs_the_event_only() -> None:
    stream = io.StringIO()
    logs.set_up("INFO", None, terminal=logging.StreamHandler(stream))
    event = events.ThrottleChanged(uploader="google", limit=float("inf"), streams=1)
    logging.getLogger("cloudplow").info("said", extra={"event": event})
    told = json.loads(stream.getvalue())
    assert told["message"] == "said" and "event" not in told


def test_only_its_owner_may_read_a_log_new_or_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = tmp_path / "cloudplow.log"
    old.write_text("what an older version left\n")
    old.chmod(0o644)
    monkeypatch.setattr(logs, "_FILE_BYTES", 100)
    logs.set_up("INFO", old, terminal=logging.StreamHandler(io.StringIO()))
    for number in range(9):
        logging.getLogger("cloudplow").info("line %d", number)

    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
