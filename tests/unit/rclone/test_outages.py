"""What is nobody's fault: texts of both versions, and what must not be taken for it."""

from __future__ import annotations

import pytest

from cloudplow.events import StageOutcome
from cloudplow.rclone.log import Plain, Problem
from cloudplow.rclone.outages import find_outage
from cloudplow.rclone.verdict import Evidence, judge

TOKEN = 'couldn\'t list directory: Get "https://www.googleapis.com/drive/v3/files": oauth2: cannot fetch token: '


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            'Post "x": dial tcp: lookup oauth2.googleapis.com: no such host',
            "looked up",
        ),
        ('Post "x": dial tcp: lookup a.b on 127.0.0.53:53: server misbehaving', "the name a.b cannot be looked up"),
        ('Post "x": dial tcp: lookup a.b on [::1]:53: read udp [::1]:4->[::1]:53: i/o timeout', "the name a.b"),
        (
            'Post "x": dial tcp 127.0.0.1:9: connect: connection refused',
            "127.0.0.1:9 cannot be reached: connection",
        ),
        ('Post "x": dial tcp [2a00::1]:443: connect: network is unreachable', "[2a00::1]:443 cannot be reached"),
        ('Post "x": dial tcp 10.0.0.1:443: i/o timeout', "10.0.0.1:443 cannot be reached: i/o timeout"),
        ('Post "x": proxyconnect tcp: dial tcp 127.0.0.1:3128: connect: connection refused', "the proxy cannot be"),
        ('Post "x": net/http: TLS handshake timeout', "no safe connection: TLS handshake timeout"),
        (
            'Post "x": tls: failed to verify certificate: x509: certificate has expired',
            "no safe connection: tls: ",
        ),
        ('Post "x": Bad Gateway', "does not answer: Bad Gateway"),
        ("503 Service Unavailable\nResponse: ", "token service does not work: 503 Service Unavailable"),
        ("429 Too Many Requests\nResponse: {}", "token service does not work: 429"),
        ('Post "https://oauth2.googleapis.com/token": EOF', "token service does not answer: EOF"),
        (
            'Post "x": read tcp 1.2.3.4:5->6.7.8.9:443: read: connection reset by peer',
            "token service does not answer: read tcp",
        ),
        ('Post "x": context deadline exceeded (Client.Timeout exceeded while awaiting headers)', "does not answer"),
        (
            '400 Bad Request\nResponse: {"error":"invalid_grant","error_description":"Invalid JWT: Token must be a '
            "short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT "
            'claim."}',
            "this machine's clock is wrong",
        ),
    ],
)
def test_trouble_on_the_way_to_a_token_is_not_the_accounts_fault(text: str, told: str) -> None:
    evidence = Evidence()
    evidence.add(Problem("", TOKEN + text))
    verdict = judge(1, evidence, interrupted=False, failed_files=3)

    assert verdict.outcome is StageOutcome.OFFLINE
    assert told in verdict.reason
    assert "fetch token" not in verdict.reason


@pytest.mark.parametrize(
    "text",
    [
        '400 Bad Request\nResponse: {"error":"invalid_grant","error_description":"Invalid grant: account not found"}',
        '400 Bad Request\nResponse: {"error":"invalid_grant","error_description":"Invalid JWT Signature."}',
        '401 Unauthorized\nResponse: {"error":"unauthorized_client"}',
    ],
)
def test_a_key_that_the_token_service_refuses_is_the_accounts_own(text: str) -> None:
    evidence = Evidence()
    evidence.add(Problem("", TOKEN + text))

    assert judge(1, evidence, interrupted=False, failed_files=0).outcome is StageOutcome.ACCOUNT_FAILED


def test_a_disk_that_fails_under_a_key_file_is_not_the_accounts_fault() -> None:
    text = "drive: failed when making oauth client: error opening service account credentials file: open /k/1.json: "

    assert find_outage(text + "input/output error") == "a disk of this machine does not work: input/output error"
    assert find_outage(text + "too many open files") != ""
    assert find_outage(text + "no such file or directory") == ""
    assert find_outage(text + "permission denied") == ""


@pytest.mark.parametrize(
    "text",
    [
        "googleapi: Error 403: User rate limit exceeded., userRateLimitExceeded",
        "Failed to copy: read tcp 1.2.3.4:5->6.7.8.9:443: read: connection reset by peer",
        "open /mnt/x.mkv: permission denied",
        "file already closed",
    ],
)
def test_other_problems_are_no_outage(text: str) -> None:
    assert find_outage(text) == ""


def test_the_name_of_a_file_is_no_outage() -> None:
    evidence = Evidence()
    evidence.add(Problem("a", "Failed to copy: open /mnt/no route to host.mkv: permission denied"))

    assert evidence.outage == ""


def test_an_outage_that_is_over_does_not_count() -> None:
    evidence = Evidence()
    evidence.add(Problem("a", "Failed to copy: dial tcp 1.2.3.4:443: connect: network is unreachable"))
    evidence.arrived()
    evidence.add(Problem("b", "Failed to copy: permission denied"))

    assert judge(1, evidence, interrupted=False, failed_files=2).outcome is StageOutcome.FILES_FAILED


def test_a_plain_line_of_a_failed_set_up_tells_of_an_outage_too() -> None:
    evidence = Evidence()
    evidence.add(Plain("2026/11/23 18:25:53 Failed to create: dial tcp 1.1.1.1:22: connect: no route to host"))

    assert evidence.outage == "no network: 1.1.1.1:22 cannot be reached: no route to host"


def test_a_hostile_line_is_searched_quickly() -> None:
    assert find_outage("lookup " * 2000 + "dial tcp " * 1000) == ""
