"""Whatever rclone prints, and however: every line is read, and every file counted. With programs in its place."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests.integration.fake_rclone import write_program
from tests.integration.local_site import LocalSite, contents


@pytest.fixture
def fake(tmp_path: Path) -> LocalSite:
    """A site whose rclone is still to be written, with an account to charge."""
    site = LocalSite(tmp_path / "site", tmp_path / "rclone")
    site.remote["upload_remote"] = "cloud:"
    site.add_accounts(1, quota="1G")
    return site


def assert_all_counted(site: LocalSite, files: int, total: int) -> None:
    """One upload transfers everything, in one stage, and every number says so."""
    run = site.run("upload")

    assert run.status == 0, run.said[:5000]
    assert "Traceback" not in run.stdout + run.stderr
    assert len(run.of("stage_started")) == 1
    assert (run.finished["files"], run.finished["bytes"]) == (files, total)
    assert (len(run.transferred), run.transferred_bytes) == (files, total)
    assert run.finished["files_left"] == 0
    assert site.ledger_bytes() == total
    assert contents(site.source) == {}
    assert len(contents(site.cloud)) == files


def write_files(site: LocalSite, count: int, size: int = 10) -> None:
    for number in range(count):
        (site.source / f"{number:05}.mkv").write_bytes(bytes(size))


def test_plain_lines_among_json_do_no_harm(fake: LocalSite) -> None:
    write_files(fake, 20)
    write_program(
        fake,
        r"""
for name in names:
    take(name)
    say("plain text\n\n   \n{broken json\n{}\nnull\n[1, 2]\n\"text\"\n-1e999\nNaN\n{\"msg\": 5, \"object\": []}\n")
    say('{"level": null, "stats": {"bytes": "many", "transferring": [null, 3, {"name": null}], "eta": -1}}\n')
    say("2026/11/23 18:25:53 NOTICE: something\n" + told(name) + "[" * 100000 + "\n")
""",
    )

    assert_all_counted(fake, 20, 200)


def test_bytes_that_are_no_text_do_no_harm(fake: LocalSite) -> None:
    write_files(fake, 5)
    write_program(
        fake,
        r"""
for name in names:
    take(name)
    say(b"\xff\xfe\x00\x80\xc3\n{\"level\":\"info\",\"msg\":\"\xff\xfe\"}\n\x00\x00\r\n\x1b[2J\x07\n")
    say(told(name))
""",
    )

    assert_all_counted(fake, 5, 50)


def test_a_burst_right_before_the_end_is_read_to_its_end(fake: LocalSite) -> None:
    write_files(fake, 10_000, 1)
    write_program(
        fake,
        """
for name in names:
    take(name)
say("".join(told(name) for name in names))
os._exit(0)
""",
    )

    assert_all_counted(fake, 10_000, 10_000)


@pytest.mark.parametrize(
    ("megabytes", "filler"), [(5, "x"), (9, "x"), (5, "invalid argument "), (5, "failed to create ")]
)
def test_a_line_of_megabytes_hides_no_other_line(fake: LocalSite, megabytes: int, filler: str) -> None:
    write_files(fake, 3)
    write_program(
        fake,
        f"""
first, second, third = names
filler = {filler!r} * (({megabytes} << 20) // {len(filler)})
for name in names:
    take(name)
say(told(first))
say(record(filler) + "\\n")
say(told(second))
say(filler + "\\n")
say(told(third))
""",
    )

    assert_all_counted(fake, 3, 30)


def test_the_last_line_counts_without_its_newline(fake: LocalSite) -> None:
    write_files(fake, 3)
    write_program(
        fake,
        """
for name in names:
    take(name)
say("".join(told(name) for name in names).rstrip())
""",
    )

    assert_all_counted(fake, 3, 30)


def test_lines_that_come_in_pieces_and_with_carriage_returns_count(fake: LocalSite) -> None:
    write_files(fake, 4)
    write_program(
        fake,
        r"""
for name in names:
    take(name)
    for byte in told(name).replace("\n", "\r\n").encode():
        say(bytes([byte]))
""",
    )

    assert_all_counted(fake, 4, 40)


def test_both_outputs_are_read(fake: LocalSite) -> None:
    write_files(fake, 6)
    write_program(
        fake,
        r"""
for number, name in enumerate(names):
    take(name)
    os.write(number % 2 + 1, told(name).encode())
""",
    )

    assert_all_counted(fake, 6, 60)


def test_what_is_said_twice_or_of_strangers_counts_once_or_not_at_all(fake: LocalSite) -> None:
    write_files(fake, 3)
    write_program(
        fake,
        r"""
say(told("stranger.mkv") + told("../../etc/passwd") + told(""))
for name in names:
    take(name)
    say(record("Copied (new)", object=name) + "\n" + told(name) + told(name))
""",
    )

    assert_all_counted(fake, 3, 30)


def test_the_size_that_was_really_uploaded_counts(fake: LocalSite) -> None:
    write_files(fake, 1)
    write_program(
        fake,
        r"""
take(names[0])
say(record("Copied (new)", object=names[0], size=77) + "\n" + record("Deleted", object=names[0]) + "\n")
""",
    )

    run = fake.run("upload")

    assert run.status == 0, run.said
    assert run.finished["bytes"] == run.transferred_bytes == fake.ledger_bytes() == 77


def test_an_output_that_somebody_else_holds_open_does_not_hold_up_the_end(fake: LocalSite) -> None:
    write_files(fake, 2)
    write_program(
        fake,
        """
for name in names:
    take(name)
    say(told(name))
if os.fork() == 0:
    os.closerange(3, 100)
    time.sleep(20)
    os._exit(0)
""",
    )
    before = time.monotonic()

    assert_all_counted(fake, 2, 20)
    assert time.monotonic() - before < 15


def test_an_output_that_is_closed_early_does_not_end_the_stage(fake: LocalSite) -> None:
    write_files(fake, 2)
    write_program(
        fake,
        """
for name in names:
    take(name)
    say(told(name))
os.close(1)
os.close(2)
time.sleep(0.5)
open(os.path.join(os.path.dirname(source), "ended by itself"), "w").close()
os._exit(0)
""",
    )

    assert_all_counted(fake, 2, 20)
    assert (fake.root / "ended by itself").exists()


def test_an_rclone_that_crashes_is_started_again_for_the_rest(fake: LocalSite) -> None:
    write_files(fake, 4)
    write_program(
        fake,
        r"""
say("panic: runtime error: invalid memory address or nil pointer dereference\n\ngoroutine 1 [running]:\n")
for name in names[:2]:
    take(name)
    say(told(name))
if len(names) > 2:
    os.kill(os.getpid(), 11)
""",
    )

    run = fake.run("upload")

    assert run.status == 0, run.said
    assert [event["outcome"] for event in run.of("stage_finished")] == ["failed", "done"]
    assert run.finished["files"] == 4
    assert fake.ledger_bytes() == 40
    assert contents(fake.source) == {}


def test_an_rclone_that_does_nothing_and_says_so_to_nobody_ends_the_upload(fake: LocalSite) -> None:
    write_files(fake, 2)
    write_program(fake, "pass")

    run = fake.run("upload")

    assert run.status == 1, run.said
    assert run.finished["files"] == 0
    assert run.finished["files_left"] == 2
    assert "rclone skipped it" in run.stderr
    assert len(run.of("stage_started")) == 3
    assert fake.ledger_bytes() == 0
    assert len(contents(fake.source)) == 2


def test_secrets_that_rclone_prints_reach_nobody_and_files_of_ours_are_for_their_owner(fake: LocalSite) -> None:
    write_files(fake, 2)
    write_program(
        fake,
        r"""
secret = "s3cr3tT0ken99"
take(names[0])
say(told(names[0]))
if len(names) == 1:
    sys.exit(0)
path = os.path.join(source, names[1])
texts = [
    f"open {path}: https://ann:{secret}@example.org/x?token={secret} refused",
    f"Authorization: Bearer {secret} for ann@example.org, --rc-pass {secret}",
    f"the password is {secret}; see /home/ann/.config/key.json",
]
for text in texts:
    say(json.dumps({"level": "error", "msg": text, "object": names[1], "source": "x.go:1"}) + "\n")
say(f"2026/01/31 19:59:40 ERROR : password={secret}\n")
sys.exit(1)
""",
    )
    fake.shorten_pauses()

    run = fake.run("upload", "--json-log", "--loglevel", "DEBUG")

    assert run.status == 0, run.said
    kept = {path: path.read_bytes() for path in fake.root.iterdir() if path.is_file() and path.name != "config.json"}
    for content in (run.said, str(run.events), *(one.decode("utf-8", "replace") for one in kept.values())):
        for secret in ("s3cr3tT0ken99", "ann@example.org", "/home/ann"):
            assert secret not in content
    failed = run.of("file_failed")
    assert failed and failed[0]["error"] == f"open {failed[0]['name']}: https://example.org refused"
    lines = [json.loads(line) for line in run.stdout.splitlines() + run.stderr.splitlines()]
    assert {"ts", "level", "logger", "message"} <= lines[0].keys()
    assert any(line.get("event", {}).get("signal") == "session_finished" for line in lines)
    assert [json.loads(line) for line in (fake.root / "cloudplow.log").read_text().splitlines()]
    ours = {
        path.name: path.stat().st_mode & 0o777 for path in kept if path.suffix in (".json", ".log", ".db", ".backup")
    }
    assert set(ours.values()) == {0o600}, ours
