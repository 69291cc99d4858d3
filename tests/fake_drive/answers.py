"""The error answers of Google's Drive API, with reasons and messages as reported by its users."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from .wire import Answer

# rclone recognises the daily upload limit by this reason and this exact message (backend/drive/drive.go, shouldRetry).
DAILY_LIMIT_MESSAGE: Final = "User rate limit exceeded."
_RATE_MESSAGE: Final = (
    "User Rate Limit Exceeded. Rate of requests for user exceed configured project quota. You may consider "
    "re-evaluating expected per-user traffic to the API and adjust project quota limits accordingly."
)


class Failure(StrEnum):
    """What can be wrong; the value is its name in settings."""

    DAILY_LIMIT = "daily_limit"
    USER_RATE = "user_rate"
    RATE = "rate"
    STORAGE_FULL = "storage_full"
    FILE_LIMIT = "file_limit"
    QUOTA = "quota"
    NOT_FOUND = "not_found"
    NO_PERMISSION = "no_permission"
    BAD_TOKEN = "bad_token"
    BAD_QUERY = "bad_query"
    SERVER_ERROR = "server_error"
    BAD_GATEWAY = "bad_gateway"
    UNAVAILABLE = "unavailable"
    DROP = "drop"  # no answer: the connection is cut


_FAILURES: Final[dict[Failure, tuple[int, str, str, str]]] = {
    Failure.DAILY_LIMIT: (403, "usageLimits", "userRateLimitExceeded", DAILY_LIMIT_MESSAGE),
    Failure.USER_RATE: (403, "usageLimits", "userRateLimitExceeded", _RATE_MESSAGE),
    Failure.RATE: (403, "usageLimits", "rateLimitExceeded", "Rate Limit Exceeded"),
    Failure.STORAGE_FULL: (
        403,
        "usageLimits",
        "storageQuotaExceeded",
        "The user's Drive storage quota has been exceeded.",
    ),
    Failure.FILE_LIMIT: (
        403,
        "global",
        "teamDriveFileLimitExceeded",
        "The file limit for this shared drive has been exceeded.",
    ),
    Failure.QUOTA: (403, "usageLimits", "quotaExceeded", "Quota exceeded."),
    Failure.NOT_FOUND: (404, "global", "notFound", "File not found: {subject}."),
    Failure.NO_PERMISSION: (
        403,
        "global",
        "insufficientFilePermissions",
        "The user does not have sufficient permissions for this file.",
    ),
    Failure.BAD_TOKEN: (401, "global", "authError", "Invalid Credentials"),
    Failure.BAD_QUERY: (400, "global", "invalid", "Invalid Value"),
    Failure.SERVER_ERROR: (500, "global", "backendError", "Backend Error"),
    Failure.BAD_GATEWAY: (502, "global", "backendError", "Bad Gateway"),
    Failure.UNAVAILABLE: (503, "global", "backendError", "Service Unavailable"),
}


class DriveError(Exception):
    """A request that is answered with a failure."""

    def __init__(self, failure: Failure, subject: str = "") -> None:
        super().__init__(f"{failure.value} {subject}".strip())
        self.failure = failure
        self.subject = subject


def failure_answer(failure: Failure, subject: str = "") -> Answer:
    """The answer to a failed request; `subject` is the id that was not found."""
    status, domain, reason, message = _FAILURES[failure]
    message = message.format(subject=subject)
    detail = {"domain": domain, "reason": reason, "message": message}
    return Answer.of_json({"error": {"errors": [detail], "code": status, "message": message}}, status)


def grant_refusal(description: str) -> Answer:
    """The token endpoint's answer to a key that is unknown, revoked or wrongly signed (RFC 6749, section 5.2)."""
    return Answer.of_json({"error": "invalid_grant", "error_description": description}, 400)
