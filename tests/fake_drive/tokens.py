"""The OAuth token endpoint: a signed assertion (service account) or a refresh token (person) for an access token."""

from __future__ import annotations

from urllib.parse import parse_qs

from .accounts import is_signed_by, read_issuer
from .answers import grant_refusal
from .wire import Answer
from .world import World


def issue_token(world: World, body: bytes) -> Answer:
    """Answer a token request. The caller holds the world's lock.

    A person's refresh token is the name of the account, for remotes without a key file.
    """
    form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
    assertion = form.get("assertion", "")
    if "refresh_token" in form:
        account = world.accounts.get(form["refresh_token"])
    else:
        account = world.find_account(read_issuer(assertion))
    if account is None:
        return grant_refusal("Invalid grant: account not found")
    account.requests["token"] += 1
    if account.revoked:
        return grant_refusal("Invalid JWT Signature.")
    if assertion and account.public_key is not None and not is_signed_by(assertion, account.public_key):
        return grant_refusal("Invalid JWT Signature.")
    token = world.new_token(account)
    return Answer.of_json({"access_token": token, "expires_in": world.settings.token_seconds, "token_type": "Bearer"})
