"""The fake Drive as a whole: what tests start, read and change."""

from __future__ import annotations

import os
import shlex
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from .accounts import Account, make_account, make_key, write_key_file
from .certificates import make_server_context
from .control import Control
from .faults import Fault
from .loop_thread import LoopThread, Serve, listen
from .proxy import Proxy
from .quota import Mode, Quota
from .remotes import Remotes
from .store import Entry
from .world import Settings, World

SHARED_DRIVE: Final = "0AFakeSharedDrive"


@dataclass(frozen=True, slots=True)
class Usage:
    """What an account has done, in bytes; `uploads` and `denials` are counts.

    committed: of finished uploads. received: everything that arrived, with what was refused or given up (and the
    few hundred bytes of metadata of each request). in_window: counts against the quota now, other tenants' included.
    denials: uploads refused for the quota. uploads: finished ones.
    """

    committed: int
    received: int
    in_window: int
    denials: int
    uploads: int


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file on the Drive. md5: hexadecimal. account: key file name of who uploaded it. modified: RFC 3339."""

    size: int
    md5: str
    account: str
    modified: str


class FakeDrive:
    """A Google Drive on loopback for the real rclone. Use as a context manager; safe to use from any thread.

    directory: gets the key files (`accounts/1.json` ...), the certificates and `rclone.conf` with remote "gdrive".
    accounts: how many. quota_bytes: None is no limit; see `Quota` for the rest. clock: seconds, for the rolling
    window and the files' times. distinct_keys: a key for each account instead of one for all (slow).
    control_port: serve the state as JSON there (0: any port); None: do not.
    """

    def __init__(
        self,
        directory: Path,
        *,
        accounts: int = 1,
        quota_bytes: int | None = None,
        mode: Mode = Mode.AT_LIMIT,
        window_seconds: float = 86_400.0,
        counts_received: bool = False,
        keeps_content: bool = False,
        clock: Callable[[], float] = time.time,
        distinct_keys: bool = False,
        control_port: int | None = None,
        pacer_min_sleep: str = "1ms",
    ) -> None:
        self.directory = directory
        quota = Quota(quota_bytes, mode, window_seconds, counts_received)
        settings = Settings(quota=quota, keeps_content=keeps_content)
        self.world = World(settings, {SHARED_DRIVE: "Media"}, clock)
        context, self.authority = make_server_context(directory)
        self._listener = listen()
        self.port: int = self._listener.getsockname()[1]
        self._key = make_key()
        self._distinct_keys = distinct_keys
        self.accounts_directory = directory / "accounts"
        self.accounts_directory.mkdir(exist_ok=True)
        for _ in range(accounts):
            self.add_account()
        self.remotes = Remotes(directory / "rclone.conf")
        self.pacer_min_sleep = pacer_min_sleep
        self.add_remote("gdrive", account=1 if accounts else None)
        served: list[tuple[socket.socket, Serve]] = [(self._listener, Proxy(self.world, context).serve)]
        self.control_port: int | None = None
        if control_port is not None:
            control = listen(control_port)
            self.control_port = control.getsockname()[1]
            served.append((control, Control(self.world).serve))
        self._thread = LoopThread(served, self._report)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Begin to answer; `with` does it too."""
        self._thread.start()

    def stop(self) -> None:
        """Cut all connections and end the thread. The state stays readable."""
        self._thread.stop()

    # For rclone.

    def env(self, *, config: bool = True) -> dict[str, str]:
        """What rclone, and only rclone, must find in its environment."""
        proxy = {"HTTPS_PROXY": f"http://127.0.0.1:{self.port}", "NO_PROXY": "", "RCLONE_CA_CERT": str(self.authority)}
        return {**proxy, "RCLONE_CONFIG": str(self.remotes.path)} if config else proxy

    def process_env(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """This process's environment with `env()` and `extra` on top, for `subprocess.run(env=...)`."""
        return {**os.environ, **self.env(), **(extra or {})}

    def wrap(self, rclone: Path | str, *, name: str = "rclone") -> Path:
        """Write a script that runs this rclone in the right environment: for programs that start rclone themselves.

        It becomes rclone (exec), so signals and exit codes are rclone's. A RCLONE_CONFIG already set stays.
        In bash, because dash drops what it cannot name: RCLONE_CONFIG_MY-DRIVE_SERVICE_ACCOUNT_FILE would be lost.
        """
        lines = [f"export {key}={shlex.quote(value)}" for key, value in self.env(config=False).items()]
        lines.append(f"export RCLONE_CONFIG=${{RCLONE_CONFIG:-{shlex.quote(str(self.remotes.path))}}}")
        path = self.directory / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n".join(["#!/bin/bash", *lines, f'exec {shlex.quote(str(rclone))} "$@"', ""]))
        path.chmod(0o755)
        return path

    def add_account(self) -> Path:
        """One more service account; return its key file."""
        key = make_key() if self._distinct_keys else self._key
        with self.world.lock:
            account = make_account(len(self.world.accounts) + 1, key)
            self.world.accounts[account.name] = account
        return write_key_file(self.accounts_directory, account, key, f"http://127.0.0.1:{self.port}/token")

    def key_file(self, account: int | str) -> Path:
        """The account's key file, by number or name: 1 and "1.json" are the same."""
        return self.accounts_directory / _name(account)

    def add_remote(
        self, name: str, *, account: int | str | None = 1, drive: str = SHARED_DRIVE, **options: str
    ) -> None:
        """One more drive remote in the configuration; see `remotes` for crypt and others on top of it."""
        key_file = None if account is None else self.key_file(account)
        self.remotes.add_drive(name, key_file=key_file, drive=drive, pacer_min_sleep=self.pacer_min_sleep, **options)

    # What happened.

    def files(self, root: str = SHARED_DRIVE) -> dict[str, StoredFile]:
        """Every live file by its path below `root`."""
        with self.world.lock:
            walked = [(path, entry) for path, entry in self.world.store.walk(root) if not entry.is_folder]
            return {path: _show(entry) for path, entry in walked}

    def duplicates(self) -> list[str]:
        """Paths of live files or folders that share name and folder with another one."""
        with self.world.lock:
            return self.world.store.duplicates()

    def usage(self, account: int | str) -> Usage:
        """One account's counters."""
        with self.world.lock:
            found = self._account(account)
            meter = found.meter
            used = self.world.used_bytes(found)
            return Usage(meter.committed_bytes, meter.received_bytes, used, meter.denials, meter.uploads)

    def usages(self) -> dict[str, Usage]:
        """Every account's counters, by key file name."""
        with self.world.lock:
            return {name: self.usage(name) for name in self.world.accounts}

    def requests(self, account: int | str | None = None) -> dict[str, int]:
        """How many requests of each kind (see `kinds.Kind`) were made, by one account or by all."""
        with self.world.lock:
            return dict(self.world.requests if account is None else self._account(account).requests)

    def finished(self) -> list[tuple[float, float]]:
        """When each finished upload began and when its file appeared, by the Drive's clock."""
        with self.world.lock:
            return list(self.world.finished)

    def connections(self) -> int:
        """How many are open. A killed rclone's stay until all that it sent has been read."""
        return self._thread.connections()

    def problems(self) -> list[str]:
        """Defects of this fake that showed, and requests it did not understand. A test should end with none."""
        with self.world.lock:
            return list(self.world.problems)

    # What shall happen.

    def set_quota(self, account: int | str | None = None, **changes: Any) -> None:
        """Change the fields of one account's quota (see `Quota`), or of everybody's who has none of his own."""
        with self.world.lock:
            self.world.change_quota(None if account is None else _name(account), changes)

    def set_settings(self, **changes: Any) -> None:
        """Change fields of `Settings`: latency_seconds, bandwidth, commit_delay_seconds ..."""
        with self.world.lock:
            self.world.change_settings(changes)

    def cut_network(self) -> None:
        """Cut every connection, and each new one at once, until `mend_network`."""
        self.set_settings(unreachable=True)
        self._thread.cut()

    def mend_network(self) -> None:
        """The Drive can be reached again."""
        self.set_settings(unreachable=False)

    def add_fault(self, fault: Fault) -> Fault:
        """Let requests fail from now on; the returned fault's `hits` counts them."""
        with self.world.lock:
            self.world.settings.faults.append(fault)
        return fault

    def clear_faults(self) -> None:
        """No request fails any more."""
        with self.world.lock:
            self.world.settings.faults.clear()

    def spend(self, account: int | str, size_bytes: int) -> None:
        """Somebody else uses up some of the account's quota."""
        with self.world.lock:
            self._account(account).meter.spend(size_bytes, self.world.clock())

    def revoke(self, account: int | str, *, withdraw_tokens: bool = False) -> None:
        """The account's key gets no new tokens (invalid_grant); withdraw_tokens: those it has stop working (401)."""
        with self.world.lock:
            self.world.revoke(_name(account), withdraw_tokens=withdraw_tokens)

    def restore(self, account: int | str) -> None:
        """The key works again."""
        with self.world.lock:
            self._account(account).revoked = False

    def _account(self, account: int | str) -> Account:
        return self.world.accounts[_name(account)]

    def _report(self, problem: str) -> None:
        with self.world.lock:
            self.world.problems.append(problem)


def _name(account: int | str) -> str:
    return f"{account}.json" if isinstance(account, int) else account


def _show(entry: Entry) -> StoredFile:
    return StoredFile(entry.size, entry.md5, entry.account, entry.modified)
