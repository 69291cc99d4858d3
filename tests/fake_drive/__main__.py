"""`python -m tests.fake_drive --accounts 5 --quota 50M --dir DIR`: a fake Drive by hand, until Ctrl-C."""

from __future__ import annotations

import argparse
import shlex
import signal
import tempfile
from pathlib import Path

from .drive import FakeDrive
from .quota import Mode

_FACTORS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def main() -> None:
    """Run until SIGINT or SIGTERM."""
    options = _parse()
    directory = Path(options.dir or tempfile.mkdtemp(prefix="fake-drive-"))
    directory.mkdir(parents=True, exist_ok=True)
    stop = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, stop)
    drive = FakeDrive(
        directory,
        accounts=options.accounts,
        quota_bytes=options.quota,
        mode=options.mode,
        window_seconds=options.window,
        counts_received=options.count_received,
        keeps_content=options.keep_content,
        control_port=options.control_port,
        pacer_min_sleep=options.pacer_min_sleep,
    )
    drive.set_settings(
        latency_seconds=options.latency,
        bandwidth=options.bandwidth,
        connection_bandwidth=options.connection_bandwidth,
    )
    with drive:
        _explain(drive)
        signal.sigwait(stop)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fake_drive", description=__doc__)
    add = parser.add_argument
    add("--accounts", type=int, default=1, metavar="N", help="service accounts (key files 1.json ... N.json)")
    add("--quota", type=_size, metavar="SIZE", help="of each account, for example 50M; default: none")
    add("--mode", type=Mode, default=Mode.AT_LIMIT, choices=list(Mode), help="when an account is denied")
    add("--window", type=float, default=86_400.0, metavar="SECONDS", help="after which spent bytes come back")
    add("--count-received", action="store_true", help="count bytes when they arrive, not when a file is finished")
    add("--keep-content", action="store_true", help="keep what is uploaded (in memory), so that it can be read back")
    add("--latency", type=float, default=0.0, metavar="SECONDS", help="of every request")
    add("--bandwidth", type=_size, metavar="SIZE", help="bytes per second of all uploads together")
    add("--connection-bandwidth", type=_size, metavar="SIZE", help="bytes per second of each connection")
    add("--pacer-min-sleep", default="1ms", metavar="TIME", help='in rclone.conf; "" is rclone\'s own 100ms')
    add("--control-port", type=int, metavar="PORT", help="serve GET /state and POST /config there (0: any port)")
    add("--dir", metavar="DIR", help="for keys, certificates and rclone.conf; default: a new one")
    return parser.parse_args()


def _explain(drive: FakeDrive) -> None:
    print("# A fake Google Drive is running; Ctrl-C ends it. For rclone (and nothing else):")
    for name, value in drive.env().items():
        print(f"export {name}={shlex.quote(value)}")
    print("# then, for example:  rclone move FOLDER gdrive:Media -v --drive-stop-on-upload-limit")
    print(f"# another account: RCLONE_CONFIG_GDRIVE_SERVICE_ACCOUNT_FILE={drive.accounts_directory}/2.json")
    if drive.control_port is not None:
        print(f"# state: http://127.0.0.1:{drive.control_port}/state  (?files=1 lists the files)")
    print(flush=True)


def _size(text: str) -> int:
    """A number of bytes, with K, M, G or T for powers of 1024."""
    unit = text[-1:].upper() if text[-1:].isalpha() else ""
    if unit not in _FACTORS:
        raise argparse.ArgumentTypeError(f"{text!r} is no size; write it as 50M or 1G")
    return int(float(text[: len(text) - len(unit)]) * _FACTORS[unit])


if __name__ == "__main__":
    main()
