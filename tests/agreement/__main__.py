"""`python -m tests.agreement --seconds 600`: read everything during uploads of every kind; exit 1 if two disagree."""

from __future__ import annotations

import argparse
import sys
import tempfile
from contextlib import nullcontext
from functools import partial
from pathlib import Path

from tests.agreement.playing import KINDS, play
from tests.agreement.tab import Tab
from tests.rclone_binaries import VERSIONS, find_rclone
from tests.tools import chromium


def main() -> int:
    """Play, and report."""
    parser = argparse.ArgumentParser(prog="python -m tests.agreement", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0, metavar="N")
    parser.add_argument("--kind", action="append", choices=[kind.__name__ for kind in KINDS], help="may be repeated")
    parser.add_argument("--rclone", metavar="PATH", help="default: the newest that is there")
    parser.add_argument("--no-page", action="store_true", help="without a browser that reads the page")
    options = parser.parse_args()
    rclone = options.rclone or next((found for found in map(find_rclone, reversed(VERSIONS)) if found), None)
    if rclone is None:
        print("no rclone was found")
        return 2
    kinds = tuple(kind for kind in KINDS if not options.kind or kind.__name__ in options.kind)
    folder = Path(tempfile.mkdtemp(prefix="agreement-"))
    with nullcontext() if options.no_page else chromium() as browser:
        opens = partial(Tab, browser.new_page()) if browser is not None else None
        result = play(folder / "play", Path(rclone), seconds=options.seconds, kinds=kinds, opens=opens)
    print(result, flush=True)
    if result.faults:
        print(f"kept: {folder}")
    return int(bool(result.faults))


if __name__ == "__main__":
    sys.exit(main())
