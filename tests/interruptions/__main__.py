"""`python -m tests.interruptions --rounds 500 --seed 1`: play rounds, two at a time; exit 1 if anything was wrong."""

from __future__ import annotations

import argparse
import concurrent.futures
import multiprocessing
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from tests.interruptions.playing import Round, play
from tests.interruptions.scenario import Kind, Scenario, choose
from tests.interruptions.table import as_markdown, as_text, make_table, show_findings, show_line
from tests.rclone_binaries import VERSIONS, find_rclone

_MOST_AT_A_TIME: Final = 2


def main() -> int:
    """Play and report."""
    options = _parse()
    rclones = options.rclone or [str(found) for found in map(find_rclone, VERSIONS) if found]
    if not rclones:
        sys.exit("no rclone was found: name one with --rclone")
    kinds = options.kind or list(Kind)
    folder = Path(options.dir or tempfile.mkdtemp(prefix="interruptions-"))
    scenarios = [
        choose(seed, rclones, kinds, landing_seconds=options.landing, crypt=options.crypt)
        for seed in range(options.seed, options.seed + options.rounds)
    ]
    results = []
    for result in play_all(scenarios, folder, at_a_time=options.at_a_time, keep=options.keep):
        results.append(result)
        print(show_line(result), flush=True)
        if not result.good:
            print("\n".join([*show_findings(result), f"        kept: {result.folder}"]))
            print(f"        again: {_repeat(result.scenario, options)}", flush=True)
    rows = make_table(results)
    print(f"\n{as_text(rows)}")
    if options.table:
        Path(options.table).write_text(as_markdown(rows), encoding="utf-8")
    return int(not all(result.good for result in results))


def play_all(
    scenarios: Sequence[Scenario], folder: Path, *, at_a_time: int = _MOST_AT_A_TIME, keep: bool = False
) -> Iterator[Round]:
    """Play every scenario, each in a folder of its own below `folder`; the results come as they are ready."""
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(at_a_time, mp_context=context) as pool:
        rounds = [pool.submit(play, one, folder / f"seed-{one.seed:05}", keep=keep) for one in scenarios]
        for done in concurrent.futures.as_completed(rounds):
            yield done.result()


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.interruptions", description=__doc__)
    add = parser.add_argument
    add("--rounds", type=int, default=20, metavar="N")
    add("--seed", type=int, default=1, metavar="N", help="of the first round; the next one has the next number")
    add("--rclone", action="append", metavar="PATH", help="may be repeated; default: every version that is installed")
    add("--kind", action="append", type=_kind, metavar="TEXT", help="only kinds whose name contains it; repeatable")
    add("--landing", type=float, default=4.0, metavar="SECONDS", help="how long cloudplow waits for late files")
    add("--crypt", action=argparse.BooleanOptionalAction, help="an encrypted destination; default: in some rounds")
    add("--at-a-time", type=int, default=_MOST_AT_A_TIME, choices=(1, 2), metavar="N")
    add("--table", metavar="FILE", help="write the table there, as Markdown")
    add("--dir", metavar="DIR", help="for the rounds; default: a new one. Those that went wrong stay there")
    add("--keep", action="store_true", help="leave the other rounds there, too")
    options = parser.parse_args()
    options.kind = [kind for kinds in options.kind or [] for kind in kinds]
    return options


def _kind(text: str) -> list[Kind]:
    found = [kind for kind in Kind if text == kind] or [kind for kind in Kind if text in kind]
    if not found:
        raise argparse.ArgumentTypeError(f"no kind is called {text!r}; there are: {', '.join(Kind)}")
    return found


def _repeat(scenario: Scenario, options: argparse.Namespace) -> str:
    """The command that plays a scenario again."""
    words = ["python -m tests.interruptions", "--rounds 1", f"--seed {scenario.seed}", f"--landing {options.landing:g}"]
    words += [] if options.crypt is None else ["--crypt" if options.crypt else "--no-crypt"]
    words += [f"--rclone {path}" for path in options.rclone or []]
    words += [f"--kind '{kind}'" for kind in options.kind]
    return " ".join(words)


if __name__ == "__main__":
    sys.exit(main())
