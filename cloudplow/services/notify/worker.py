"""The worker process: sends what it is given, a thread for each job, and says what came of it.

Standard input: one job a line, as JSON (`cloudplow.services.notify.requests`, with a number). Standard output: a line
for each, {"number": N, "error": "..."}; "" if it was sent. It ends at once when its input does, so it never outlives
the program that started it. Imports almost nothing before it must.

It is a process of its own, because a receiver that sends one byte a second holds a thread, and apprise's keep a whole
program from ending. No error quotes an address: addresses are secrets.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import threading
from typing import Any, Final

#: For a connection and for each part of an answer, in seconds; the program's own deadline is for all of it.
TIMEOUT_SECONDS: Final = 10.0
PREPARE: Final = "prepare"

_loading: Final = threading.Lock()


def main() -> None:
    """Work until the input ends. Does not return."""
    answers = os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (1, 2):
        os.dup2(nowhere, descriptor)
    # apprise and urllib3 log whole addresses.
    logging.disable(logging.CRITICAL)
    for line in sys.stdin.buffer:
        job = json.loads(line)
        if job.get("kind") == PREPARE:
            threading.Thread(target=_load_apprise, daemon=True).start()
        else:
            threading.Thread(target=_answer, args=(job, answers), daemon=True).start()
    # Without waiting for threads.
    os._exit(0)


def _answer(job: dict[str, Any], answers: int) -> None:
    try:
        error = send(job)
    except Exception as fault:  # noqa: BLE001 - it is told
        error = explained(fault)
    # Shorter than what a pipe takes in one piece.
    os.write(answers, json.dumps({"number": job["number"], "error": error}).encode() + b"\n")


def send(job: dict[str, Any]) -> str:
    """Send one job; "" if that went well, else what is wrong. Raises whatever goes wrong on the way."""
    return _send_by_apprise(job) if job["kind"] == "apprise" else _send_by_http(job)


def _send_by_http(job: dict[str, Any]) -> str:
    # TLS and all take 60 ms, which a worker with apprise alone does not need at once.
    from urllib.request import Request, urlopen

    request = Request(job["url"], data=job["body"].encode(), headers=job["headers"], method="POST")
    # Only http and https: the configuration accepts no other address.
    with urlopen(request, timeout=TIMEOUT_SECONDS):
        return ""


def _load_apprise() -> Any:
    with _loading:
        # 700 ms, and as much again for its services: the reason for having them loaded beforehand.
        import apprise

        apprise.Apprise().add("json://localhost")
        return apprise


def _send_by_apprise(job: dict[str, Any]) -> str:
    apprise = _load_apprise()
    asset = apprise.AppriseAsset(app_id="cloudplow", app_desc="cloudplow")
    sender = apprise.Apprise(asset=asset)
    for number, url in enumerate(re.split(r"[\s,]+(?=[\w+-]+://)", job["urls"].strip()), start=1):
        if "overflow=" not in url:
            url += ("&" if "?" in url else "?") + "overflow=truncate"
        if not sender.add(url):
            return f"apprise cannot read address {number}"
    # Since 2.0 the answer is an object, not a bool.
    if sender.notify(body=job["text"], title=job["title"], notify_type=job["type"]):
        return ""
    return "the service refused it, or did not answer"


def explained(fault: BaseException) -> str:
    """What went wrong, without an address: only the kind of fault is told."""
    reason: object = getattr(fault, "reason", None)
    if isinstance(getattr(fault, "code", None), int):
        return f"it answered with HTTP {fault.code}"  # type: ignore[attr-defined]  # just looked
    inner = reason if isinstance(reason, BaseException) else fault
    name = type(inner).__name__
    if isinstance(inner, ConnectionRefusedError):
        return "the connection was refused"
    if isinstance(inner, TimeoutError):
        return "no answer"
    if name == "gaierror":
        return "the name of its host cannot be resolved"
    if name == "SSLCertVerificationError":
        return "its certificate cannot be verified"
    if isinstance(inner, ConnectionError):
        return "the connection broke"
    if isinstance(inner, OSError) and inner.errno:
        return os.strerror(inner.errno)
    if isinstance(inner, ImportError):
        return "apprise cannot be loaded; run pip install 'cloudplow[notify]'"
    return f"it cannot be sent ({name})"


if __name__ == "__main__":
    main()
