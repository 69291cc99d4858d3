"""How a request that cannot be answered is reported: JSON, with a code for programs and a sentence for people."""

from __future__ import annotations

from cloudplow_dashboard.web.answers import Error


class ApiError(Exception):
    """A request that cannot be answered; becomes `{error: {code, message}}`."""

    def __init__(self, status: int, code: str, message: str) -> None:
        self.status = status
        self.code = code
        self.message = message
        super().__init__(message)


def error_document(code: str, message: str) -> Error:
    """The body of every answer that reports a fault."""
    return {"error": {"code": code, "message": message}}
