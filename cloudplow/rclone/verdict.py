"""Exit status and messages of one rclone run -> what happened, and why. The one place that decides."""

from __future__ import annotations

import re
import signal
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from cloudplow.events import StageOutcome
from cloudplow.rclone.log import Message, Note, Plain, Problem
from cloudplow.rclone.outages import find_outage


class Denial(StrEnum):
    """Why Google refused an upload; each is handled differently."""

    DAILY_LIMIT = "daily_limit"
    RATE_LIMITED = "rate_limited"
    STORAGE_FULL = "storage_full"
    DRIVE_FULL = "drive_full"
    NO_ACCESS = "no_access"
    KEY_REVOKED = "key_revoked"


#: A sentence for users for each denial.
DENIAL_SENTENCES: Final = {
    Denial.DAILY_LIMIT: "Google refuses more uploads from this account for now: its daily limit is used up",
    Denial.RATE_LIMITED: "Google asks for fewer requests per second (plain rate limiting, not the daily limit)",
    Denial.STORAGE_FULL: "the account's or drive's storage is full: free some space or choose another destination",
    Denial.DRIVE_FULL: "the shared drive is full (files or bytes): no account can add to it, use another shared drive",
    Denial.NO_ACCESS: "this account has no access to the destination: share the drive or folder with its address",
    Denial.KEY_REVOKED: "this account's key is revoked or unknown to Google: create a new key, or remove the file",
}

# Tried in this order; the first match decides.
# Source: rclone issues #76, #96, #1591 and the drive backend's shouldRetry; texts observed with 1.60.1 and 1.75.2.
_DENIALS: Final = (
    (Denial.KEY_REVOKED, re.compile(r"invalid_grant|unauthorized_client|invalid_client|account_?[dD]isabled")),
    (
        Denial.DRIVE_FULL,
        re.compile(r"teamDrive(?:File|Hierarchy|Size)\w*|Shared [Dd]rive file limit|Team [Dd]rive file limit"),
    ),
    (Denial.STORAGE_FULL, re.compile(r"storageQuotaExceeded|storage quota")),
    (
        Denial.DAILY_LIMIT,
        re.compile(r"Received upload limit error|User rate limit exceeded\.|\bquotaExceeded|dailyLimitExceeded"),
    ),
    (
        Denial.NO_ACCESS,
        re.compile(
            r"insufficientFilePermissions|insufficientParentPermissions|teamDriveMembershipRequired|"
            r"Shared drive not found|Error 404: File not found: |couldn't find root|failed to get (?:Shared|Team) Drive"
        ),
    ),
    (Denial.RATE_LIMITED, re.compile(r"rateLimitExceeded|RateLimitExceeded|Error 429")),
)
_ACCOUNT_SET_UP: Final = re.compile(
    r"service account|oauth2: |failed to (?:create|configure|make) .*drive|couldn't fetch token|cannot fetch token|"
    r"error processing Service Account",
    re.IGNORECASE,
)
#: The remote control cannot start, which ends rclone before it does anything.
_NO_REMOTE_CONTROL: Final = re.compile(r"Failed to start remote control|\.htpasswd\b")
_MAX_TRANSFER: Final = re.compile(r"max transfer limit reached", re.IGNORECASE)
_MAX_DURATION: Final = re.compile(r"max transfer duration reached", re.IGNORECASE)
# "open /mnt/media/storage quota.mkv: permission denied": words in a path are not Google's.
_LOCAL_PATH: Final = re.compile(
    r"\b(?:open|l?stat|read|readlink|remove|unlink|rename|chtimes|mkdir) /.*(?=: [^:/]+$)", re.DOTALL
)
#: Characters of a line beyond this are ignored: searching them could take minutes.
TEXT_LIMIT: Final = 16_384
# What rclone refuses to start with, however often it is tried.
_MISUSED: Final = re.compile(
    r"(?:unknown (?:shorthand )?flag|invalid argument .{1,500} for .{1,500} flag|"
    r"didn't find backend called|didn't find section in config file|unknown --order-by|unknown track renames strategy|"
    r"(?:chunk size|upload cutoff): .{1,100} is(?:n't a power of two| less than| greater than)|as an HTTP header|"
    r"as metadata key=value|failed to initialise global options|failed to load filters|invalid DSCP name|can't use --|"
    r"parameter to --|failed to make fs for --).*",
    re.IGNORECASE,
)
_LOG_PREFIX: Final = re.compile(r"^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d (?:[A-Z]+ *: )?")


def is_cut_off(text: str) -> bool:
    """Whether a line says that rclone did not begin a file because it has transferred enough."""
    return _MAX_TRANSFER.search(text[:TEXT_LIMIT]) is not None


def classify_denial(text: str) -> Denial | None:
    """The denial that a line of rclone reports, if any."""
    for denial, pattern in _DENIALS:
        if pattern.search(text):
            return denial
    return None


@dataclass(slots=True)
class Evidence:
    """What the output of one run said, collected message by message; bounded."""

    denial: Denial | None = None
    upload_limit: bool = False
    max_transfer: bool = False
    max_duration: bool = False
    account_problem: str = ""
    misuse: str = ""
    last_problem: str = ""
    outage: str = ""
    no_remote_control: bool = False

    def arrived(self) -> None:
        """A file was uploaded: whatever did not work before works again."""
        self.outage = ""

    def add(self, message: Message) -> None:
        """Take one message into account."""
        if isinstance(message, Problem | Plain | Note):
            self._add_text(
                message.text[:TEXT_LIMIT],
                problem=not isinstance(message, Note),
                about_file=bool(getattr(message, "name", "")),
            )

    def _add_text(self, text: str, *, problem: bool, about_file: bool) -> None:
        if _MAX_TRANSFER.search(text):
            self.max_transfer = True
        if _MAX_DURATION.search(text):
            self.max_duration = True
        if not problem or not text.strip():
            return
        if not about_file and _NO_REMOTE_CONTROL.search(text):
            self.no_remote_control = True
        said = _LOCAL_PATH.sub("", text)
        outage = find_outage(said)
        if outage:
            self.outage = outage
            # The address in an error may hold words that would accuse the account.
            self._note(text, about_file=about_file)
            return
        denial = classify_denial(said)
        # A later plain rate limit never hides the denial that ended the run.
        if denial is not None and (self.denial is None or self.denial is Denial.RATE_LIMITED):
            self.denial = denial
        if "Received upload limit error" in text:
            self.upload_limit = True
        if not about_file and not self.misuse and (misuse := _MISUSED.search(text)):
            self.misuse = misuse.group()[:500]
        if _ACCOUNT_SET_UP.search(said):
            self.account_problem = text[:500]
        self._note(text, about_file=about_file)

    def _note(self, text: str, *, about_file: bool) -> None:
        if not about_file or not self.last_problem:
            self.last_problem = _LOG_PREFIX.sub("", text)[:500]


class Verdict(NamedTuple):
    """The result of a run. reason: a sentence for users, "" when all went well."""

    outcome: StageOutcome
    reason: str = ""
    denial: Denial | None = None


def judge(
    code: int,
    evidence: Evidence,
    *,
    interrupted: bool,
    failed_files: int,
    transferred_files: int = 0,
    failed_before: bool = False,
    finishing: bool = False,
) -> Verdict:
    """Decide the result of one run.

    code: exit status of rclone, negative for a signal; interrupted: we asked it to stop;
    failed_files, transferred_files: how many of the planned files failed, and arrived; failed_before: all of them
    failed in an earlier run; finishing: we asked it to begin no more files.
    Source: exit codes of 1.60.1 and 1.75.2, where 7 is a fatal error (limit) and, in 1.60, also --max-duration.
    """
    if interrupted:
        return Verdict(StageOutcome.INTERRUPTED, "stopped on request")
    if code == 0:
        return Verdict(StageOutcome.FILES_FAILED if failed_files else StageOutcome.DONE)
    denial = evidence.denial
    if denial in (Denial.STORAGE_FULL, Denial.DRIVE_FULL):
        return Verdict(StageOutcome.DESTINATION_FULL, DENIAL_SENTENCES[denial], denial)
    if code in (7, 10) and evidence.max_duration and not evidence.upload_limit:
        return Verdict(StageOutcome.LIMIT_REACHED, "the --max-duration of rclone_extras was reached")
    if denial is Denial.DAILY_LIMIT:
        return Verdict(StageOutcome.DENIED, DENIAL_SENTENCES[denial], denial)
    if finishing and evidence.max_transfer:
        return Verdict(StageOutcome.INTERRUPTED, "stopped on request, after the files that were running")
    if code == 8 or (evidence.max_transfer and code != 1):
        return Verdict(StageOutcome.LIMIT_REACHED, "the --max-transfer of rclone_extras was reached")
    # One file that is refused while others arrive says nothing about the account's access.
    about_files = transferred_files > 0 or failed_before
    if denial is Denial.KEY_REVOKED or (denial is Denial.NO_ACCESS and not about_files):
        return Verdict(StageOutcome.ACCOUNT_FAILED, DENIAL_SENTENCES[denial], denial)
    if evidence.outage:
        return Verdict(StageOutcome.OFFLINE, evidence.outage)
    if code < 0:
        return Verdict(StageOutcome.FAILED, f"something else ended rclone with {_signal_name(-code)}")
    if failed_files:
        return Verdict(StageOutcome.FILES_FAILED, evidence.last_problem, denial)
    if evidence.misuse:
        reason = f"rclone refuses to start: {evidence.misuse} (correct rclone_extras, or rclone's configuration)"
        return Verdict(StageOutcome.MISUSED, reason)
    if evidence.account_problem:
        return Verdict(StageOutcome.ACCOUNT_FAILED, evidence.account_problem)
    return Verdict(StageOutcome.FAILED, evidence.last_problem or f"rclone exited with status {code}", denial)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
