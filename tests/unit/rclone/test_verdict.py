"""What a run came to: by exit code, by what both versions really say, by denial."""

from __future__ import annotations

import pytest

from cloudplow.events import StageOutcome
from cloudplow.rclone.log import Note, Plain, Problem
from cloudplow.rclone.verdict import DENIAL_SENTENCES, Denial, Evidence, Verdict, classify_denial, judge

from .recordings import CODES, VERSIONS, messages

LIMIT = "Received upload limit error: googleapi: Error 403: User rate limit exceeded., userRateLimitExceeded"


def evidence_of(*texts: str, name: str = "") -> Evidence:
    evidence = Evidence()
    for text in texts:
        evidence.add(Problem(name, text))
    return evidence


def verdict_of(
    code: int, *texts: str, failed_files: int = 0, transferred_files: int = 0, failed_before: bool = False
) -> Verdict:
    return judge(
        code,
        evidence_of(*texts),
        interrupted=False,
        failed_files=failed_files,
        transferred_files=transferred_files,
        failed_before=failed_before,
    )


# What both versions really say


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("case", "outcome", "denial"),
    [
        ("moved", StageOutcome.DONE, None),
        ("already-there", StageOutcome.DONE, None),
        ("nothing", StageOutcome.DONE, None),
        ("denied", StageOutcome.DENIED, Denial.DAILY_LIMIT),
        ("quota-exceeded", StageOutcome.DENIED, Denial.DAILY_LIMIT),
        ("storage-full", StageOutcome.DESTINATION_FULL, Denial.STORAGE_FULL),
        ("drive-full", StageOutcome.DESTINATION_FULL, Denial.DRIVE_FULL),
        ("revoked", StageOutcome.ACCOUNT_FAILED, Denial.KEY_REVOKED),
        ("no-access", StageOutcome.ACCOUNT_FAILED, Denial.NO_ACCESS),
        ("read-only", StageOutcome.ACCOUNT_FAILED, Denial.NO_ACCESS),
        ("max-transfer", StageOutcome.LIMIT_REACHED, None),
        ("max-duration", StageOutcome.LIMIT_REACHED, None),
        ("max-duration-soft", StageOutcome.LIMIT_REACHED, None),
        ("some-failed", StageOutcome.FILES_FAILED, None),
        ("no-source", StageOutcome.FAILED, None),
        ("no-remote", StageOutcome.MISUSED, None),
        ("unknown-flag", StageOutcome.MISUSED, None),
    ],
)
def test_recorded_run_comes_to(version: str, case: str, outcome: StageOutcome, denial: Denial | None) -> None:
    evidence = Evidence()
    for message in messages(version, case):
        evidence.add(message)
    failed_files = 1 if case == "some-failed" else 0
    verdict = judge(CODES[f"{version}-{case}"], evidence, interrupted=False, failed_files=failed_files)
    assert (verdict.outcome, verdict.denial) == (outcome, denial)
    assert bool(verdict.reason) == (outcome is not StageOutcome.DONE)
    if denial is not None:
        assert verdict.reason == DENIAL_SENTENCES[denial]


@pytest.mark.parametrize(
    ("recording", "code"),
    [
        ("1.60-moved", 0),
        ("1.75-nothing", 0),
        ("1.60-revoked", 1),
        ("1.60-unknown-flag", 1),
        ("1.75-unknown-flag", 2),
        ("1.60-no-source", 3),
        ("1.75-no-source", 3),
        ("1.60-denied", 7),
        ("1.75-denied", 7),
        ("1.60-max-transfer", 8),
        ("1.75-max-transfer", 8),
        ("1.60-max-duration", 7),
        ("1.75-max-duration", 10),
    ],
)
def test_recorded_exit_codes_are_those_that_the_verdict_was_written_for(recording: str, code: int) -> None:
    assert CODES[recording] == code


@pytest.mark.parametrize(
    "said",
    [
        'Failed to create file system for "g:": drive: chunk size: 3Mi isn\'t a power of two',
        'Failed to create file system for "g:": drive: chunk size: 1Ki is less than 256Ki',
        'Failed to move: unknown --order-by comparison "foo"',
        "Failed to move: parameter to --backup-dir has to be on the same remote as destination",
        "Failed to parse 'foo' as an HTTP header. Expecting a string like: 'Content-Encoding: gzip'",
        'Failed to initialise global options: failed to reload "main" options: --partial-suffix: Expecting suffix',
    ],
)
def test_a_flag_that_rclone_refuses_late_is_no_fault_of_the_account(said: str) -> None:
    evidence = Evidence()
    evidence.add(Plain(f"2026/11/27 01:21:37 {said}"))
    verdict = judge(1, evidence, interrupted=False, failed_files=0)
    assert verdict.outcome is StageOutcome.MISUSED
    assert said.rpartition(": ")[2] in verdict.reason


# Exit codes


def test_success_is_done() -> None:
    assert verdict_of(0) == Verdict(StageOutcome.DONE)


def test_success_with_files_that_failed_is_not_done() -> None:
    assert verdict_of(0, failed_files=1).outcome is StageOutcome.FILES_FAILED


def test_success_after_a_denial_that_was_repeated_away_is_done() -> None:
    assert verdict_of(0, LIMIT).outcome is StageOutcome.DONE


def test_code_7_is_the_limit_or_in_old_versions_the_duration() -> None:
    assert verdict_of(7, LIMIT).outcome is StageOutcome.DENIED
    assert verdict_of(7, "max transfer duration reached as set by --max-duration").outcome is StageOutcome.LIMIT_REACHED
    assert verdict_of(7, LIMIT, "max transfer duration reached as set by --max-duration").outcome is StageOutcome.DENIED
    assert verdict_of(7).outcome is StageOutcome.FAILED


def test_notice_of_a_deadline_at_the_start_is_no_sign_that_it_was_reached() -> None:
    evidence = Evidence()
    evidence.add(Note("Google drive root 'x'", "Transfer session HARD deadline: 2026/11/24 20:02:04"))
    evidence.add(Problem("", "something fatal"))
    assert judge(7, evidence, interrupted=False, failed_files=0).outcome is StageOutcome.FAILED


@pytest.mark.parametrize("code", [0, 1, 7, 130, 143, -2, -15, -9])
def test_what_we_stopped_is_interrupted_whatever_the_code(code: int) -> None:
    assert judge(code, evidence_of(LIMIT), interrupted=True, failed_files=3).outcome is StageOutcome.INTERRUPTED


@pytest.mark.parametrize(("code", "name"), [(-9, "SIGKILL"), (-15, "SIGTERM"), (-99, "signal 99")])
def test_what_others_killed_is_a_failure_with_the_signal(code: int, name: str) -> None:
    verdict = verdict_of(code)
    assert verdict.outcome is StageOutcome.FAILED
    assert name in verdict.reason


def test_unknown_code_without_words_says_the_code() -> None:
    assert verdict_of(99) == Verdict(StageOutcome.FAILED, "rclone exited with status 99")


def test_reason_is_the_last_problem_of_the_run_rather_than_of_a_file() -> None:
    evidence = evidence_of("Failed to copy: one", name="a")
    evidence.add(Plain("2026/11/24 20:02:04 Failed to move: the end"))
    assert judge(1, evidence, interrupted=False, failed_files=1).reason == "Failed to move: the end"


def test_long_lines_do_not_grow_the_evidence() -> None:
    evidence = evidence_of("service account " * 10_000)
    assert len(evidence.last_problem) <= 500
    assert len(evidence.account_problem) <= 500


# Denials


@pytest.mark.parametrize(
    ("text", "denial"),
    [
        ("googleapi: Error 403: User rate limit exceeded., userRateLimitExceeded", Denial.DAILY_LIMIT),
        (LIMIT, Denial.DAILY_LIMIT),
        ("googleapi: Error 403: Quota exceeded., quotaExceeded", Denial.DAILY_LIMIT),
        (
            "googleapi: Error 403: User Rate Limit Exceeded. Rate of requests for user exceed project quota, "
            "userRateLimitExceeded",
            Denial.RATE_LIMITED,
        ),
        ("googleapi: Error 403: Rate Limit Exceeded, rateLimitExceeded", Denial.RATE_LIMITED),
        ("googleapi: Error 429: Too many requests", Denial.RATE_LIMITED),
        (
            "googleapi: Error 403: The user's Drive storage quota has been exceeded., storageQuotaExceeded",
            Denial.STORAGE_FULL,
        ),
        (
            "googleapi: Error 403: The file limit for this shared drive has been exceeded., teamDriveFileLimitExceeded",
            Denial.DRIVE_FULL,
        ),
        ("googleapi: Error 404: File not found: 0AFake., notFound", Denial.NO_ACCESS),
        ("googleapi: Error 403: ..., insufficientFilePermissions", Denial.NO_ACCESS),
        ('oauth2: cannot fetch token: 400 Bad Request Response: {"error":"invalid_grant"}', Denial.KEY_REVOKED),
        ('Response: {"error":"unauthorized_client"}', Denial.KEY_REVOKED),
        ("googleapi: Error 403: ..., uploadLimitExceeded", None),
        ("googleapi: Error 500: Internal Error, internalError", None),
        ("Failed to copy: read /mnt/media/a.mkv: input/output error", None),
    ],
)
def test_what_a_line_of_google_means(text: str, denial: Denial | None) -> None:
    assert classify_denial(text) is denial


def test_plain_rate_limit_does_not_hide_the_daily_one() -> None:
    rate = "googleapi: Error 403: Rate Limit Exceeded, rateLimitExceeded"
    assert verdict_of(7, rate, LIMIT, rate).denial is Denial.DAILY_LIMIT


def test_plain_rate_limit_is_no_denial_of_the_account() -> None:
    rate = "googleapi: Error 403: Rate Limit Exceeded, rateLimitExceeded"
    assert verdict_of(1, rate, failed_files=1).outcome is StageOutcome.FILES_FAILED


def test_one_file_without_access_among_others_that_arrive_is_its_own_fault() -> None:
    text = "Failed to copy: googleapi: Error 404: File not found: 0AFake., notFound"
    assert verdict_of(1, text, failed_files=1, transferred_files=5).outcome is StageOutcome.FILES_FAILED
    assert verdict_of(1, text, failed_files=1).outcome is StageOutcome.ACCOUNT_FAILED


@pytest.mark.parametrize(
    "name",
    ["storage quota.mkv", "storageQuotaExceeded", "invalid_grant", "User rate limit exceeded.", "service account"],
)
@pytest.mark.parametrize("error", ["open", "lstat", "read", "remove"])
def test_name_of_a_file_is_no_word_of_google(name: str, error: str) -> None:
    text = f"Failed to copy: {error} /mnt/media/{name}/x: y: permission denied"
    evidence = evidence_of(text, name=f"{name}/x: y")
    evidence.add(Plain(f"2026/11/24 20:02:04 {text}"))
    verdict = judge(1, evidence, interrupted=False, failed_files=1)
    assert (verdict.outcome, verdict.denial) == (StageOutcome.FILES_FAILED, None)


def test_key_file_that_cannot_be_opened_is_a_fault_of_the_account() -> None:
    text = (
        'Failed to create file system for "gdrive:": drive: failed when making oauth client: error opening service '
        "account credentials file: open /keys/1.json: no such file or directory"
    )
    assert verdict_of(1, text).outcome is StageOutcome.ACCOUNT_FAILED


def test_notes_are_no_evidence_of_a_denial() -> None:
    evidence = Evidence()
    evidence.add(Note("pacer", "low level retry 1/10 (error googleapi: Error 403: quotaExceeded)"))
    assert evidence.denial is None


def test_refusal_of_files_that_failed_before_says_nothing_about_the_account() -> None:
    text = "googleapi: Error 403: ..., insufficientFilePermissions"
    assert verdict_of(1, text, failed_files=1).outcome is StageOutcome.ACCOUNT_FAILED
    assert verdict_of(1, text, failed_files=1, failed_before=True).outcome is StageOutcome.FILES_FAILED
    revoked = verdict_of(1, 'oauth2: "invalid_grant"', failed_files=1, failed_before=True)
    assert revoked.outcome is StageOutcome.ACCOUNT_FAILED


# The remote control

CUT_OFF = "Not deleting source as copy failed: max transfer limit reached as set by --max-transfer"


@pytest.mark.parametrize(
    ("code", "texts", "outcome"),
    [
        (8, (CUT_OFF,), StageOutcome.INTERRUPTED),
        # 1.75 exits with 3 if it cannot set the times of folders that it never made, and with 1 if a file failed.
        (3, (CUT_OFF, "failed to set directory modtime: directory not found"), StageOutcome.INTERRUPTED),
        (1, ("Failed to copy: input/output error", CUT_OFF), StageOutcome.INTERRUPTED),
        (7, (LIMIT, CUT_OFF), StageOutcome.DENIED),
        (0, (), StageOutcome.DONE),
        (1, ("Failed to copy: input/output error",), StageOutcome.FILES_FAILED),
    ],
)
def test_asked_to_begin_no_more_files(code: int, texts: tuple[str, ...], outcome: StageOutcome) -> None:
    failed = sum("input/output" in text for text in texts)
    verdict = judge(code, evidence_of(*texts), interrupted=False, failed_files=failed, finishing=True)
    assert verdict.outcome is outcome
    if outcome is StageOutcome.INTERRUPTED:
        assert verdict.reason == "stopped on request, after the files that were running"


@pytest.mark.parametrize(
    "message",
    [
        Plain("2026/11/27 01:11:29 Failed to start remote control: start server failed: listen tcp 127.0.0.1:1: bind"),
        Problem("", "Failed to start remote control: failed to init server: listen tcp: lookup tcp/1x: unknown port"),
        Plain("panic: open /state/rc/google.1.htpasswd: permission denied"),
    ],
)
def test_a_remote_control_that_cannot_start_is_noticed(message: Plain | Problem) -> None:
    evidence = Evidence()
    evidence.add(message)
    assert evidence.no_remote_control


@pytest.mark.parametrize(
    "message",
    [
        Note("", 'Using "/state/rc/google.1.htpasswd" as htpasswd storage'),
        Problem("Failed to start remote control.mkv", "Failed to copy: Failed to start remote control"),
    ],
)
def test_the_same_words_elsewhere_are_no_such_fault(message: Note | Problem) -> None:
    evidence = Evidence()
    evidence.add(message)
    assert not evidence.no_remote_control
