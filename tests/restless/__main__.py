"""`python -m tests.restless --seconds 600`: upload a folder that is never quiet; exit 1 if anything was wrong."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from tests.rclone_binaries import VERSIONS, find_rclone
from tests.restless.playing import play


def main() -> int:
    """Play once with each rclone, and report."""
    os.environ.setdefault("CLOUDPLOW_LANDING_SECONDS", "2")
    parser = argparse.ArgumentParser(prog="python -m tests.restless", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0, metavar="N", help="with each rclone")
    parser.add_argument("--seed", type=int, default=1, metavar="N")
    parser.add_argument("--per-second", type=float, default=60.0, metavar="N", help="changes of the folder")
    parser.add_argument("--rclone", action="append", metavar="PATH", help="may be repeated; default: every version")
    options = parser.parse_args()
    rclones = options.rclone or [str(found) for found in map(find_rclone, VERSIONS) if found]
    good = bool(rclones)
    for rclone in rclones:
        folder = Path(tempfile.mkdtemp(prefix="restless-"))
        result = play(
            folder / "site", Path(rclone), seconds=options.seconds, seed=options.seed, per_second=options.per_second
        )
        print(f"{rclone}: {result}", flush=True)
        if result.faults:
            print(f"kept: {folder}")
            good = False
    return int(not good)


if __name__ == "__main__":
    sys.exit(main())
