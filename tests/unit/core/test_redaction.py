"""What others must not read is taken out of a text, and ordinary names stay as they are."""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudplow.redaction import TEXT_LIMIT, redact, without_secrets


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ("the password is hunter2!, sorry", "the password is (hidden), sorry"),
        ("rclone rcd --rc-pass hunter2 --rc-user ann", "rclone rcd --rc-pass (hidden) --rc-user ann"),
        ("--drive-client-secret=abc --transfers 4", "--drive-client-secret=(hidden) --transfers 4"),
        (
            'Setting --rc-pass "s p" from environment variable RCLONE_RC_PASS="s p"',
            "Setting --rc-pass (hidden) from environment variable RCLONE_RC_PASS=(hidden)",
        ),
        ("GET x?sv=1&sig=abc%2Fd&se=2", "GET x?sv=1&sig=(hidden)&se=2"),
        ("Cookie: a=1; sid=2", "Cookie: (hidden)"),
        ("Set-Cookie: a=1; Path=x", "Set-Cookie: (hidden)"),
        ("Authorization: Token abc", "Authorization: (hidden)"),
        ("Authorization: Bearer abc", "Authorization: (hidden)"),
        ('Authorization: MediaBrowser Token="abc"', "Authorization: (hidden)"),
        ("Proxy-Authorization: Negotiate YIIabc==", "Proxy-Authorization: (hidden)"),
        ("Authorization: SharedKey acc:c2ln", "Authorization: (hidden)"),
        ('Authorization: Digest username="u", response="ab"; x', "Authorization: (hidden); x"),
        ("Authorization: AWS4-HMAC-SHA256 Credential=AK/x, Signature=5d67 failed", "Authorization: (hidden) failed"),
        ('Cookie: sid="a b"; x=y', "Cookie: (hidden)"),
        ("password is: hunter2", "password is: (hidden)"),
        ("dial ann:pw@nas.lan:22 refused", "dial (hidden)@nas.lan:22 refused"),
        ("X-Plex-Token: abc", "X-Plex-Token: (hidden)"),
        ("X-Amz-Signature=abc&x=1", "X-Amz-Signature=(hidden)"),
        (r"{\"access_token\":\"abc\",\"expiry\":5}", r"{\"access_token\":(hidden),\"expiry\":5}"),
        ("gdrive,token=abc,root_folder_id=x:Media", "gdrive,token=(hidden),root_folder_id=x:Media"),
        ("pass = abcd", "pass = (hidden)"),
        ("key AKIAIOSFODNN7EXAMPLE", "key (hidden)"),
        ("https://ann:pw@host/x refused", "https://host/x refused"),
        ("denied for sa-17.x@proj-1.iam.gserviceaccount.com today", "denied for sa-17.x@… today"),
        ("denied for ann@example.org today", "denied for (e-mail) today"),
        ("use --password-command in rclone_extras", "use --password-command in rclone_extras"),
        ("notifications.x.app_token: is missing, so", "notifications.x.app_token: is missing, so"),
        ("the token is expired; the password was not accepted", "the token is expired; the password was not accepted"),
        ("the private key is malformed, the API key is set", "the private key is malformed, the API key is set"),
        ("plex.token: must be a string", "plex.token: must be a string"),
        ("dashboard.auth: unknown key, ignored", "dashboard.auth: unknown key, ignored"),
        ("set --rc-pass in rclone_extras", "set --rc-pass in rclone_extras"),
        ("open /mnt/x/a.mkv: permission denied", "open /mnt/x/a.mkv: permission denied"),
        ('parse "https://ann:p/w@host/x": invalid port', 'parse "https://host/x": invalid port'),
        ("http://nas:8080/films/a@1080p", "http://nas:8080/films/a@1080p"),
        ("glpat-abcdefghij0123456789 refused", "(hidden) refused"),
        ("github_pat_abcdefghij0123456789 refused", "(hidden) refused"),
        ("Post https://hooks.slack.com/services/T0/B0/abc: EOF", "Post https://hooks.slack.com/services/(hidden) EOF"),
        ("use --password-command in rclone_extras", "use --password-command in rclone_extras"),
        ("Compass: x, bypass=1, design: y", "Compass: x, bypass=1, design: y"),
        ("Dashboard: http://127.0.0.1:47949/", "Dashboard: http://127.0.0.1:47949/"),
    ],
)
def test_a_log_keeps_everything_but_secrets(told: str, shown: str) -> None:
    assert without_secrets(told) == shown


@pytest.mark.parametrize(
    ("told", "secret"),
    [
        ("password is X1x", "X1x"),
        ("client_secret is X1x", "X1x"),
        ("the API key was X1x", "X1x"),
        ("credentials are X1x", "X1x"),
        ("passcode is set to X1x", "X1x"),
        ("for X1x%40example.org", "X1x"),
        ("rclone --rc-pass X1x", "X1x"),
        ("GET /x?sig=X1x", "X1x"),
        ("Cookie: X1x=X1x", "X1x"),
        ("Authorization: Token X1x", "X1x"),
        ("dial tcp 2001:db8::5: refused", "2001"),
        (r"open \\nas\films\a.mkv", "nas"),
        ("dial 192.168.1.5 refused", "192"),
        ("dial LOCALHOST:80", "LOCALHOST"),
        (r"open C:\Users\Ann Smith\a.mkv", "Ann"),
        (r"open \\?\C:\Users\ann\a.mkv", "ann"),
        (r"open \\nas\ann films\a.mkv", "ann"),
        ("open “/home/ann/a.mkv”", "ann"),
        ("a,/home/ann/a.mkv", "ann"),
        ("@/home/ann/a.mkv", "ann"),
        ("open /home/ann's films/a.mkv: no", "ann"),
        ("open ~ann/.config/rclone.conf", "ann"),
        ("[fe80::1%eth0.5]:80", "eth0"),
    ],
)
def test_e10_every_example_is_removed(told: str, secret: str) -> None:
    assert secret not in redact(told)
    if secret == "X1x":
        assert secret not in without_secrets(told)


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ("dial tcp 2001:db8::1: refused", "dial tcp (address): refused"),
        ("dial tcp ::1 refused", "dial tcp (address) refused"),
        ("from fe80::1%eth0 and 1:2:3:4:5:6:7:8", "from (address) and (address)"),
        ("at 12:30:05, 3/4", "at 12:30:05, 3/4"),
        (r"open \\nas\media\films\a.mkv failed", "open a.mkv failed"),
        ("read file:///home/ann/a.mkv failed", "read a.mkv failed"),
        ("open //nas/media/films/a.mkv: no", "open a.mkv: no"),
        ("get http://[2001:db8::1]:80/x refused", "get http://(address) refused"),
        ("open Show (2020)/Season [1]/a.mkv: no", "open Show (2020)/Season [1]/a.mkv: no"),
        ("(/home/ann/a.mkv)", "(a.mkv)"),
        ("Post https://www.googleapis.com/upload?uploadType=x: EOF", "Post https://www.googleapis.com EOF"),
    ],
)
def test_others_see_no_paths_and_no_addresses_either(told: str, shown: str) -> None:
    assert redact(told) == shown


def test_names_below_a_known_folder_stay_whole() -> None:
    folder = "/mnt/odd: name's place"
    assert redact(f"open {folder}/Show/a.mkv: gone", known_paths=[folder]) == "open Show/a.mkv: gone"


SECRETS: Final = st.text("abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789_-.~+", min_size=10, max_size=40).map(
    lambda text: f"Q{text}Z"
)
#: What rclone and libraries print around a secret.
PLACES: Final = (
    "--rc-pass {}",
    "--rc-pass={}",
    '--sftp-pass "{}"',
    "--drive-token '{}'",
    'RCLONE_RC_PASS="{}"',
    "RCLONE_CONFIG_PASS={}",
    "RCLONE_CONFIG_GDRIVE_CLIENT_SECRET={}",
    "password is {}",
    "password: {}",
    "the passphrase was '{}'",
    "token={}",
    "refresh_token: {}",
    '{{"refresh_token": "{}"}}',
    r"{{\"access_token\":\"{}\"}}",
    "Authorization: Bearer {}",
    "Authorization: Basic {}",
    "Authorization: Token {}",
    "authorization={}",
    "X-Plex-Token: {}",
    "X-Api-Key: {}",
    "Bearer {}",
    "Cookie: sid={}; x=1",
    "sig={}",
    "https://user:{}@host/path",
    "https://{}@host/path",
    "https://host/path?token={}",
    "https://host/path?a=1&sig={}&b=2",
    "ya29.{}",
    "eyJ{}",
    "GOCSPX-{}",
    "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----",
    "-----BEGIN RSA PRIVATE KEY-----\n{}",
    "gdrive,client_secret={}:x",
    "client_secret = {}",
    "api_key: '{}'",
    "api-key: {}",
    "accessToken={}",
    '"refreshToken":"{}"',
    '"clientSecret": "{}"',
    "secretAccessKey: {}",
    "SECRET_KEY={}",
    "password2 = {}",
    "password => {}",
    "pwd={}",
    "PHPSESSID={}",
    "cookies: sid={}",
    'invalid token "{}"',
    "bearer token {}",
    "Bearer: {}",
    "map[Authorization:[Bearer {}]]",
    "client_secret%22%3A%22{}%22",
    "https://host/path?key={}",
    "/auth?code={}&state=1",
    "--rc-pass\t{}",
    "--b2-key {}",
    "--crypt-password2 {}",
    "--s3-sse-customer-key {}",
    "--webdav-headers Cookie,sid={}",
    '--webdav-headers "Cookie","sid={}"',
    "--password-command 'echo {}'",
    """--drive-service-account-credentials '{{"private_key": "{}"}}'""",
    '--drive-service-account-credentials {{"private_key":"{}"}}',
    'RCLONE_DRIVE_SERVICE_ACCOUNT_CREDENTIALS={{"private_key_id":"{}"}}',
    "http_proxy=http://ann:{}@10.0.0.1:3128",
    "HTTPS_PROXY=ann:{}@proxy.lan:3128",
)


@given(secret=SECRETS, place=st.sampled_from(PLACES), before=st.sampled_from(["", "Failed: ", "(", "a\n", "x, "]))
def test_no_secret_survives(secret: str, place: str, before: str) -> None:
    told = before + place.format(secret) + " and more"

    assert secret not in without_secrets(told)
    assert secret not in redact(told)


@given(secret=SECRETS, path=st.sampled_from(["/", "/services/", "/bot", "/api/push/"]))
def test_no_part_of_a_web_address_but_its_host_is_shown_to_others(secret: str, path: str) -> None:
    assert secret not in redact(f"Post https://hooks.example.org{path}{secret}: EOF")


PARTS: Final = st.text("abcXYZ 0189._-()[]{}'&,!+#ä漢", min_size=1, max_size=20).filter(
    lambda text: text.strip() == text and text[-1] not in "([{'"
)


@given(st.lists(PARTS, min_size=1, max_size=4))
def test_ordinary_names_stay_as_they_are(parts: list[str]) -> None:
    name = "/".join(f"A{part}" for part in parts) + ".mkv"

    assert without_secrets(name) == name
    assert redact(name) == name
    assert redact(f"{name}: file changed") == f"{name}: file changed"


@pytest.mark.parametrize(
    "name",
    [
        "The Secret Life of Walter Mitty (2013)/The Secret Life of Walter Mitty (2013).mkv",
        "Token.Ring.S01E01.1080p.WEB-DL.x265-GRP.mkv",
        "Password Is Courage 1962.mkv",
        "Basic Instinct (1992).mkv",
        "Pass the Ammo.mkv",
        "password of the sea.mkv",
        "The Keymaster - Monkey Key 2.mkv",
        "AC - DC ~Live~/Track 1.mp3",
        "Rock'n'Roll/It's 2.0.1 Home/home.mkv",
        "Author/Auth. edition.epub",
        "24 - 1x01 - 12.00 A.M. - 1.00 A.M..mkv",
    ],
)
def test_titles_with_suspicious_words_stay(name: str) -> None:
    if "Is Courage" not in name:
        assert without_secrets(name) == name
    assert len(redact(name)) > 10


@given(st.text(st.characters(), max_size=500))
def test_it_never_fails_and_what_is_clean_stays(text: str) -> None:
    once = redact(text)
    assert len(once) <= len(text) * 10 + 10
    without_secrets(text)


def test_a_huge_text_takes_no_time() -> None:
    for piece in ("a/", "token ", "x=", "[", "::", "--", '"', "@", "Bearer ", "/ ", "1:"):
        assert len(redact(piece * 100_000)) <= 8 * TEXT_LIMIT
