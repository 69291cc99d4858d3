"""Service accounts: their key files, and the check of what they sign."""

from __future__ import annotations

import base64
import binascii
import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from .quota import Meter, Quota


@dataclass(slots=True)
class Account:
    """One account. `name` is its key file's name ("1.json"); `quota` overrides the Drive's when it is set."""

    name: str
    email: str
    public_key: rsa.RSAPublicKey | None = None
    revoked: bool = False
    quota: Quota | None = None
    meter: Meter = field(default_factory=Meter)
    requests: Counter[str] = field(default_factory=Counter)


def make_key() -> rsa.RSAPrivateKey:
    """A new key. Takes 50 to 500 ms, so accounts share one unless a test needs them to differ."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def make_account(number: int, key: rsa.RSAPrivateKey) -> Account:
    """The account whose key file is "<number>.json"."""
    return Account(f"{number}.json", f"account-{number}@fake-drive.iam.gserviceaccount.com", key.public_key())


def write_key_file(directory: Path, account: Account, key: rsa.RSAPrivateKey, token_uri: str) -> Path:
    """Write the account's key file as Google's console does; return its path."""
    private_key = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    document = {
        "type": "service_account",
        "project_id": "fake-drive",
        "private_key_id": f"{int.from_bytes(account.email.encode()) % (1 << 160):040x}",
        "private_key": private_key.decode(),
        "client_email": account.email,
        "client_id": f"1{account.name.removesuffix('.json'):0>20}",
        "auth_uri": "https://accounts.google.com/o/oauth2/auth",
        "token_uri": token_uri,
        "auth_provider_x509_cert_url": "https://www.googleapis.com/oauth2/v1/certs",
        "client_x509_cert_url": f"https://www.googleapis.com/robot/v1/metadata/x509/{account.email}",
        "universe_domain": "googleapis.com",
    }
    path = directory / account.name
    path.write_text(json.dumps(document, indent=2) + "\n")
    path.chmod(0o600)
    return path


def read_issuer(assertion: str) -> str:
    """Who claims to have signed a JWT; "" when it is none."""
    try:
        claims: Any = json.loads(_decode(assertion.split(".")[1]))
        return str(claims["iss"])
    except (IndexError, KeyError, TypeError, ValueError, binascii.Error):
        return ""


def is_signed_by(assertion: str, key: rsa.RSAPublicKey) -> bool:
    """Whether a JWT's RS256 signature is the key's. Costs 30 microseconds."""
    signed, _, signature = assertion.rpartition(".")
    try:
        key.verify(_decode(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, ValueError, binascii.Error):
        return False
    return True


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
