"""Takes out of a text what others must not read: what rclone printed may hold anything. Pure.

Two strengths: `without_secrets` is for the log, whose readers run cloudplow and need paths and addresses; `redact` is
for everybody else: notifications, the page. Names below the upload folder are relative, and stay.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

HIDDEN: Final = "(hidden)"
_NOT_HIDDEN: Final = r"(?!\(hidden\))"
#: Of a longer text only the beginning is read, in characters: searching more could take long.
TEXT_LIMIT: Final = 16_384

#: A text without any of these holds nothing to take out.
_SUSPICIOUS: Final = re.compile(
    r"[/\\@:=]|--|\d\.\d|localhost|pass|secret|token|ya29|eyJ|AIza|AKIA|GOCSPX|gh[pousr]_|github_pat|glpat|xox|sk-|Bearer"
    r"|Basic|key|pwd|credential|%40",
    re.IGNORECASE,
)
_PEM: Final = re.compile(r"-----BEGIN [^-]{0,60}-----.*?(?:-----END [^-]{0,60}-----|$)", re.DOTALL)
_COOKIE: Final = re.compile(
    r"\b((?:set-)?cookies?[\"']?\s*[:=]\s*)(?:\"[^\"\r\n]{0,4000}\"|'[^'\r\n]{0,4000}'|[^\r\n\"'])+", re.IGNORECASE
)
#: Headers by which somebody says who he is, with everything that may stand before the secret itself.
_HEADER: Final = re.compile(
    r"\b((?:proxy-)?authorization|x-[a-z-]{0,30}(?:token|key|auth|signature|credential)[a-z-]{0,20})"
    r"(\\?[\"']?\s*[:=]\s*\[?\\?[\"']?)(?:[a-z][a-z0-9-]{0,30}[ \t]+(?=[\w+/\"]))?"
    rf"{_NOT_HIDDEN}[^\s\"',;)}}]+(?:(?<==)\"[^\"]*\")?"
    # Digest and its like say more, behind commas.
    r"(?:,\s{0,5}[\w-]{1,30}=(?:\"[^\"]{0,400}\"|[^\s\"',;)}]{1,400})){0,20}",
    re.IGNORECASE,
)
_NAMES: Final = (
    r"(?:[a-z0-9]{0,30}[_-]){0,6}(?:pass2?|pwd|auth|sig|jwt|hmac|signature|credentials?|client_id|client_email"
    r"|service_account_(?:file|credentials)|(?:account|application|customer|master)_key"
    # Also at the end of a longer word: "clientSecret", "NewPassword".
    r"|[a-z0-9]{0,30}?(?:token|secret|passwd|password2?|passphrase|(?:api|access|secret|private|encryption|signing)[_-]?key"
    r"(?:_?id)?|sess(?:ion)?_?id))"
)
#: Between a key and its value; in an address it may be encoded.
_IS: Final = r"\\?(?:[\"']|%22)?\s*(?:=>|[=:]|%3[AaDd])\s*"
#: What follows a key in a sentence of ours ("plex.token: is missing") is no value.
_NO_SENTENCE: Final = (
    r"(?!(?:is|are|was|has|must|needs|cannot|can|may|will|does|contains|unknown|not|no|takes|its|the|this)\s)"
)
_VALUE: Final = (
    _NOT_HIDDEN + _NO_SENTENCE + r"""(?:\\?"[^"\\]*\\?"|'[^']*'|(?:(?:bearer|basic|token)\s+)?[^\s"',;&)}\\]+)"""
)
_NAMED: Final = re.compile(rf"\b({_NAMES})({_IS}){_VALUE}", re.IGNORECASE)
#: What has a meaning in the query of an address only: "?code=X".
_QUERY: Final = re.compile(r"([?&](?:key|code|state|sid|session)=)[^\s&\"']+", re.IGNORECASE)
_SAID: Final = re.compile(
    r"(?<![^\W_])(pass(?:word|wd|phrase|code)?2?|pwd|secret|token|credentials?"
    r"|(?:api|access|secret|private|encryption|signing)[ _-]?key)"
    r"(\s+(?:(?:is|was|are|were)(?:\s+set\s+to)?:?\s+|(?=[\"'][^\s\"']{8,}[\"'])))"
    r"(?!(?:missing|not|wrong|invalid|unknown|expired|revoked|an?|the|in|no|empty|too|needed|required|used|made"
    r"|set|blank|bad|incorrect|stored|encrypted|malformed|corrupt(?:ed)?|read|given|there|still|now|already|only)\b)"
    rf"[\"']?{_NOT_HIDDEN}[^\s\"',;)]+",
    re.IGNORECASE,
)
#: "--rc-pass X". What is written behind the name of a flag in a sentence is no value.
_FLAG: Final = re.compile(
    r"(--[a-z0-9-]{0,40}(?:pass|password2?|secret|token|credentials|[a-z0-9]-key|access-key-id|key-pem|auth|headers?"
    r"|client-id|2fa)[ \t=]+|--password-command(?:=|[ \t]+(?=[\"'])))"
    r"(?!(?:is|in|and|or|to|for|was|are|from|with|together|of|by|has|needs|there)\b)"
    rf"{_NOT_HIDDEN}(?:\"[^\"]*\"|'[^']*'|[^\s\"';]+)+",
    re.IGNORECASE,
)
#: "Basic" is a word of titles, too.
_BEARER: Final = re.compile(
    r"\b(?i:(bearer)):?\s+(?:token\s+)?[A-Za-z0-9+/=._~-]{8,}|\b(Basic)\s+(?=\S{0,200}(?:[0-9+/=]|[a-z][A-Z]))[A-Za-z0-9+/=]{8,}"
)
_TOKEN: Final = re.compile(
    r"\b(?:ya29\.[\w.-]+|AIza[\w-]{20,}|AKIA[A-Z0-9]{12,}|eyJ[\w.~+-]{8,}|GOCSPX-[\w-]+"
    r"|gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox\w-[\w-]+|sk-[\w-]{16,}|\d{8,10}:[\w-]{35}\b)|(?<![\w/])1//[\w-]{20,}"
)
#: User and password of an address.
_USER: Final = re.compile(r"\b([A-Za-z][A-Za-z0-9+.-]{1,20}://)[^\s/@\"']{0,400}@")
#: The same where the password has a slash, which it must not have, but which Go tells as it is.
_USER_SLASH: Final = re.compile(r"\b([A-Za-z][A-Za-z0-9+.-]{1,20}://)[^\s/@:\"']{0,200}:(?!\d{1,5}/)[^\s@\"']{1,200}@")
#: Addresses to which anybody can send who knows them.
_WEBHOOK: Final = re.compile(
    r"(\b(?:hooks\.slack\.com/services|discord(?:app)?\.com/api/webhooks|hc-ping\.com|ntfy\.sh)/)[^\s\"']+"
)
#: The same without its beginning; before a host with dots or a port, because titles may have "a:b@c".
_USER_AT: Final = re.compile(
    r"(?<![\w/.@])[\w.%+-]{1,64}:[^\s/@\"':]{1,200}@(?=[\w-]{1,63}(?:\.[\w-]{1,63}){2,6}\b|[\w.-]{1,200}:\d|\[)"
)
_SERVICE_ACCOUNT: Final = re.compile(r"\b([\w.%+-]{1,64})(?:@|%40)[\w-]{1,63}\.iam\.gserviceaccount\.com\b")
#: Also as it stands in an address.
_EMAIL: Final = re.compile(r"[\w.%+-]{1,64}(?:@|%40)[\w-]{1,63}(?:\.[\w-]{1,63}){1,6}")

# What `redact` takes out beside.
_URL: Final = re.compile(
    r"\b([A-Za-z][A-Za-z0-9+.-]{1,20})://(?:[^\s/@\"']{0,400}@)?(\[[^\s/\]\"'@]{2,60}\]|[^\s/:?#\"'@]{1,255})[^\s\"']*"
)
_FILE_URL: Final = re.compile(r"\bfile:/{1,3}(?=/)", re.IGNORECASE)
_ADDRESS: Final = re.compile(
    r"(?<![\w.])(?:localhost|(?:\d{1,3}\.){3}\d{1,3}|\[[0-9a-fA-F:]{2,45}(?:%[\w.-]{1,32})?\])(?::\d{1,5})?(?![\w.]*\w)",
    re.IGNORECASE,
)
_BARE_IPV6: Final = re.compile(
    r"(?<![\w:.])(?:[0-9a-fA-F]{0,4}:){2,7}(?:[0-9a-fA-F]{1,4}|(?<=::))(?:%\w[\w.-]{0,31})?(?!\w|:\w|::)"
)
#: A path begins at the beginning, or behind one of these: "Show (2020)/a.mkv" and "Rockin'/a.mkv" hold none. A space
#: belongs to it when a further "/" follows before the next colon or quote ("/mnt/My Media/film.mkv").
_PATH: Final = re.compile(
    r"(?:(?:(?<=[\s(\[{<>=:;|“‘«„])|(?<=[\s(\[{=:,][\"'`])|(?<=^[\"'`])|^)(?:~[\w.-]{0,32})?/(?:(?<!:/)/)?"
    # Behind other signs only where a path of a machine begins.
    r"|(?<![\w)\]'./\\])/(?=(?:home|root|mnt|media|srv|var|opt|etc|usr|tmp|run|export|data|config|Users|Volumes)/))"
    r"(?=[^\s/])(?:[^\s\"'`:;,<>|”’»]|(?<=\w)'(?=\w)|\s(?=[^:\"']{0,200}/))*"
    r"|\b[A-Za-z]:\\(?:[^\s\"'`:;,<>|]|\s(?=[^:\"']{0,200}\\))*"
    r"|(?<![\w\\])\\\\(?:\?\\[A-Za-z]:)?[^\s\\\"'`:;,<>|]*\\(?:[^\s\"'`:;,<>|]|\s(?=[^:\"']{0,200}\\))*"
)


def without_secrets(text: str) -> str:
    """The text without passwords, tokens, keys, and e-mail addresses of people; paths and addresses stay.

    Of a service account's address the part stays by which it can be told from others.
    """
    if _SUSPICIOUS.search(text) is None:
        return text
    result = _PEM.sub(HIDDEN, text)
    result = _COOKIE.sub(rf"\1{HIDDEN}", result)
    result = _HEADER.sub(rf"\1\2{HIDDEN}", result)
    result = _USER_SLASH.sub(r"\1", result)
    result = _WEBHOOK.sub(rf"\1{HIDDEN}", result)
    result = _USER.sub(r"\1", result)
    result = _USER_AT.sub(f"{HIDDEN}@", result)
    result = _FLAG.sub(rf"\1{HIDDEN}", result)
    result = _NAMED.sub(rf"\1\2{HIDDEN}", result)
    result = _QUERY.sub(rf"\1{HIDDEN}", result)
    result = _SAID.sub(rf"\1\2{HIDDEN}", result)
    result = _BEARER.sub(lambda match: f"{match[1] or match[2]} {HIDDEN}", result)
    result = _TOKEN.sub(HIDDEN, result)
    result = _SERVICE_ACCOUNT.sub(r"\1@…", result)
    return _EMAIL.sub("(e-mail)", result)


def redact(text: str, *, known_paths: Sequence[str] = ()) -> str:
    """The same, and without paths of this machine and addresses; of a path the last part stays, of a URL the host.

    known_paths: folders to take out first, because their names may hold anything; what is below them stays whole.
    """
    text = text[:TEXT_LIMIT]
    if _SUSPICIOUS.search(text) is None:
        return text
    for path in known_paths:
        if len(path) > 1:
            text = text.replace(path.rstrip("/") + "/", "").replace(path, base_name(path))
    result = _PEM.sub(HIDDEN, text)
    result = _FILE_URL.sub("", result)
    result = _USER_SLASH.sub(r"\1", result)
    result = _URL.sub(r"\1://\2", result)
    result = without_secrets(result)
    result = _ADDRESS.sub("(address)", result)
    result = _BARE_IPV6.sub(_ipv6, result)
    return _PATH.sub(lambda match: base_name(match.group()) or "(path)", result)


def _ipv6(match: re.Match[str]) -> str:
    """Hidden if it is an address: times of day look alike."""
    found = match.group()
    is_address = any(char not in ":" for char in found) and ("::" in found or found.count(":") == 7)
    return "(address)" if is_address else found


def base_name(path: str) -> str:
    """The last part of a path in either notation; "" for none."""
    return path.rstrip("/\\").replace("\\", "/").rpartition("/")[2]
