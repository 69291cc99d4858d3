"""`cloudplow accounts`: what each account has spent and when it comes back; `accounts correct` for who knows better."""

from __future__ import annotations

import argparse
import json
import logging
import sys
import time
from collections.abc import Sequence
from typing import Any, Final

from cloudplow.app import App
from cloudplow.commands.options import Subparsers, log_path, make_app, require_config
from cloudplow.commands.steer import user
from cloudplow.control.client import ask
from cloudplow.errors import CloudplowError, ConfigError, ExitStatus, NotRunningError
from cloudplow.events.sentences import count, local_time
from cloudplow.terminal import logs
from cloudplow.units import format_bytes, parse_size_bytes

_USAGE = "cloudplow accounts correct UPLOADER ACCOUNT (--used SIZE | --forget) [--yes]"

#: As large as a number can be in the answer of a running cloudplow, in bytes.
_MOST_BYTES: Final = 1 << 62


def add(commands: Subparsers) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "accounts",
        help="show what every account has spent; correct it",
        usage=f"cloudplow accounts [NAME ...] [--json]\n       {_USAGE}",
    )
    parser.add_argument("words", nargs="*", metavar="NAME")
    parser.add_argument("--json", action="store_true", dest="as_json", help="print it as JSON")
    parser.add_argument("--used", metavar="SIZE", help='correct: what the account has really spent, for example "300G"')
    parser.add_argument("--forget", action="store_true", help="correct: the account has spent nothing")
    parser.add_argument("--yes", action="store_true", help="correct: do not ask")
    parser.set_defaults(handler=run)


def run(options: argparse.Namespace) -> int:
    """Print the accounts, or correct one. Raises CloudplowError."""
    logs.set_up("WARN", None, terminal=logging.StreamHandler())
    words: list[str] = options.words
    if words and words[0] == "correct" and (options.used is not None or options.forget or len(words) > 1):
        return _correct(options, words[1:])
    if options.used is not None or options.forget:
        raise ConfigError([f"--used and --forget belong to: {_USAGE}"])
    app = make_app(options)
    app.tasks(words)  # refuses unknown names
    documents = _documents(app, words)
    if options.as_json:
        print(json.dumps(documents, indent=2))
    else:
        for name, accounts in documents.items():
            _print(name, accounts)
    return int(ExitStatus.DONE)


def _documents(app: App, names: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """From the running instance where there is one, else from the book."""
    try:
        answer = ask(app.state_dir, {"do": "accounts", "names": list(names)})
        documents: dict[str, list[dict[str, Any]]] = answer["accounts"]
        return documents
    except NotRunningError:
        app.read_book()
        return app.accounts_document(names)


def _print(name: str, accounts: Sequence[dict[str, Any]]) -> None:
    print(f"{name}: {count(len(accounts), 'account')}" if accounts else f"{name}: uses no accounts")
    width = max((len(logs.escape_control(one["account"])) for one in accounts), default=0)
    now = time.time()
    for one in accounts:
        used, free = format_bytes(one["used_bytes"]), format_bytes(one["free_bytes"])
        parts = [f"{used:>10} spent", f"{free:>10} free"]
        if one["in_flight_bytes"]:
            parts.append(f"{format_bytes(one['in_flight_bytes'])} on its way")
        if one["unsettled_bytes"]:
            files = sum(stage["files"] for stage in one["unsettled_stages"])
            parts.append(f"{format_bytes(one['unsettled_bytes'])} unsettled ({count(files, 'file')})")
        if one["returns"]:
            first = one["returns"][0]
            parts.append(f"{format_bytes(first['bytes'])} come back at {local_time(first['at'], now)}")
        if one["why"]:
            until = local_time(one["until"], now)
            parts.append(logs.escape_control(one["why"]) + (f" (until {until})" if until else ""))
        print(f"  {logs.escape_control(one['account']):<{width}}  {one['state']:<8} {', '.join(parts)}")


def _correct(options: argparse.Namespace, words: Sequence[str]) -> int:
    if len(words) != 2 or (options.used is None) == (not options.forget):
        raise ConfigError([f"usage: {_USAGE}"])
    uploader, account = words
    used_bytes = 0
    if options.used is not None:
        try:
            used_bytes = parse_size_bytes(options.used)
        except ValueError as error:
            raise ConfigError([f"--used: {error}"]) from error
        if used_bytes >= _MOST_BYTES:
            raise ConfigError([f'--used: "{options.used}" is more than any account can have spent'])
    require_config(options)
    shown = logging.StreamHandler()
    shown.setLevel(logging.WARNING)
    logs.set_up("INFO", log_path(options), terminal=shown)
    app = make_app(options)
    app.tasks([uploader])
    question = f"{uploader}: account {account} has spent {format_bytes(used_bytes)}, whatever the books say"
    if not options.yes and not _agrees(question):
        print("Nothing was changed.")
        return int(ExitStatus.DONE)
    who = user()
    try:
        answer = ask(
            app.state_dir,
            {"do": "correct", "uploader": uploader, "account": account, "used_bytes": used_bytes, "who": who},
        )
        said = str(answer["said"])
    except NotRunningError:
        said = app.correct_alone(uploader, account, used_bytes, who=who)
    print(logs.escape_control(said))
    return int(ExitStatus.DONE)


def _agrees(question: str) -> bool:
    """Whether the person at the terminal says yes. Raises CloudplowError when nobody is there to ask."""
    if not sys.stdin.isatty():
        raise CloudplowError("nobody is there to ask: add --yes")
    try:
        return input(f"{logs.escape_control(question)}. Go on? [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        print()
        return False
