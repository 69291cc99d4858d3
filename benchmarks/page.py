"""How quickly and how lightly the page appears, and whether a long session goes by without a fault, in Chromium.

    python -m benchmarks.page                  loads the page 15 times with an empty and 15 times with a filled cache
    python -m benchmarks.page --short          5 times; exit status 1 when a size, a count or the policy is missed
    python -m benchmarks.page --session 600    a session of 10 minutes; exit status 1 when anything is said against it
    python -m benchmarks.page --rough 120      the same with a restart of the server and a while without network

The dashboard is the real one, in a process of its own; the uploads are made up.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Final

from benchmarks.common import print_table
from benchmarks.page_browser import Complaints, chromium
from benchmarks.page_paint import VIEWPORT, Load, Plain, load, load_without_scripts
from benchmarks.page_session import HELD, Result, run
from benchmarks.page_story import UPLOADER
from benchmarks.page_upload import MadeUp

LOADS: Final = 15
SHORT_LOADS: Final = 5
#: What the whole page may transfer, in bytes.
WEIGHT_LIMIT: Final = 61_440
PAINT_LIMIT_MS: Final = 300.0
BLOCKING_LIMIT_MS: Final = 50.0
SHIFT_LIMIT: Final = 0.1
#: What the headline says at once: whose upload, where to, and how much of it is done.
DATA: Final = (UPLOADER, "gdrive:Media", "%", " of ")


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table. certain: the figure is the same on every machine; always: every load must meet its limit."""

    name: str
    of: Callable[[Load], float]
    limit: float | None = None
    certain: bool = False
    always: bool = False
    digits: int = 0

    def missed(self, loads: Sequence[Load]) -> bool:
        """Whether these loads miss the limit."""
        values = [self.of(one) for one in loads]
        return self.limit is not None and (max(values) if self.always else median(values)) > self.limit


ROWS: Final = (
    Row("answer begins, ms", lambda one: one.answered),
    Row("first paint, ms", lambda one: one.first_paint, PAINT_LIMIT_MS),
    Row("first contentful paint, ms", lambda one: one.contentful_paint, PAINT_LIMIT_MS),
    Row("largest contentful paint, ms", lambda one: one.largest_paint),
    Row("all is drawn by the scripts, ms", lambda one: one.drawn),
    Row("that is on the screen, ms", lambda one: one.shown),
    Row("live, ms", lambda one: one.live),
    Row("long tasks", lambda one: one.long_tasks),
    Row("blocking time, ms", lambda one: one.blocking_ms, BLOCKING_LIMIT_MS),
    Row("layout shift", lambda one: one.layout_shift, SHIFT_LIMIT, always=True, digits=3),
    Row("requests", lambda one: one.requests),
    Row("transferred, bytes", lambda one: one.total, WEIGHT_LIMIT, certain=True),
    Row("requests with the history", lambda one: one.history_requests),
    Row("transferred with the history, bytes", lambda one: one.with_history),
    Row("  without headers and data, bytes", lambda one: one.page_alone, WEIGHT_LIMIT, certain=True),
    Row("the stream meanwhile, bytes", lambda one: one.stream_bytes),
    Row("requests that block rendering", lambda one: len(one.blocking)),
    Row("JavaScript heap, KB", lambda one: one.heap / 1024),
    Row("DOM nodes", lambda one: one.nodes),
)


@dataclass
class Figures:
    """All loads. cold: with an empty cache each; warm: right after one of those."""

    plain: Plain
    cold: list[Load] = field(default_factory=list)
    warm: list[Load] = field(default_factory=list)
    complaints: Complaints = field(default_factory=Complaints)

    def without_data(self) -> list[str]:
        """Headlines whose first paint did not say what the upload does."""
        said = [one.painted for one in (*self.cold, *self.warm)]
        said.append(f"{self.plain.sentence} {self.plain.share} {self.plain.amount}")
        return [text for text in said if not all(part in text for part in DATA)]

    def missed(self, *, certain: bool) -> list[str]:
        """The targets that are missed. certain: only those that are the same on every machine."""
        names = [
            row.name
            for row in ROWS
            if (row.certain or not certain) and (row.missed(self.cold) or (row.always and row.missed(self.warm)))
        ]
        if self.without_data():
            names.append("data in the first paint")
        return names + [name for name, count in self.complaints.counts().items() if count]


def measure(loads: int) -> Figures:
    """Load the page so often, once with an empty cache and once with a filled one."""
    with MadeUp() as made, chromium() as browser:
        made.ask("upload")
        # The first visit makes the server compile its template; it counts for nobody.
        figures = Figures(load_without_scripts(browser, made.address))
        for _ in range(loads):
            context = browser.new_context(viewport=VIEWPORT)
            figures.cold.append(load(context, made.address, figures.complaints))
            figures.warm.append(load(context, made.address, figures.complaints))
            context.close()
    return figures


def report(figures: Figures) -> None:
    """Print it all."""
    rows: list[Sequence[str]] = [("", "median", "worst", "cached: median", "worst", "target")]
    for row in ROWS:
        cells = [row.name]
        for loads in (figures.cold, figures.warm):
            values = [row.of(one) for one in loads]
            cells += [f"{median(values):,.{row.digits}f}", f"{max(values):,.{row.digits}f}"]
        rows.append((*cells, "" if row.limit is None else f"{row.limit:,g}"))
    print_table(rows)
    one = figures.cold[-1]
    kinds = ", ".join(f"{kind} {size:,}" for kind, size in sorted(one.bytes.items()))
    print(f"\nBytes by kind: {kinds}")
    print(f"Rendering waits for: {', '.join(one.blocking) or 'nothing'}")
    painted = [load.painted_by for load in figures.cold]
    print(f"The first paint showed what the server had written {painted.count('the server')} of {len(painted)} times,")
    print(f"  what the scripts had drawn {painted.count('the scripts')} times; without the upload's data: ", end="")
    print(f"{len(figures.without_data())} times")
    plain = figures.plain
    print(f"Without scripts: {plain.sentence!r}, {plain.share}, {plain.amount}, {plain.files} files on their way;")
    print(f"  painted after {plain.contentful_paint:,.0f} ms, the first visit to this server")
    print(f"Said against it: {'; '.join(figures.complaints.all()) or 'nothing'}")


def report_session(result: Result) -> list[str]:
    """Print it all; returns what is not 0."""
    print(f"{result.seconds:,.0f} s, {result.cycles} sessions of each uploader")
    print_table([("", "count"), *((name, f"{count:,}") for name, count in result.counts().items())])
    print(f"\n{result.patches:,} patches and {result.snapshots} whole documents over {result.streams} streams")
    print(f"Seen: {', '.join(sorted(result.words))}")
    print(f"Done: {', '.join(f'{act} {count} times' for act, count in result.acts.items())}")
    print("Held after each session, its rubbish collected:")
    rows = [("at, s", "heap in all", "nodes in all", *HELD)]
    columns = (lambda one: one.heap, lambda one: one.nodes, *HELD.values())
    rows += [(f"{one.at:,.0f}", *(f"{of(one):,.0f}" for of in columns)) for one in result.samples]
    print_table(rows)
    for name, of in HELD.items():
        grown = result.growth(of)
        print(f"  {name}: {'too few samples' if grown is None else f'{grown:+.1%}'} from the first to the last third")
    for text in result.expected:
        print(f"Expected, as the server was gone: {text}")
    for text in result.details()[:50]:
        print(f"! {text}")
    return [name for name, count in result.counts().items() if count]


def verdict(missed: Sequence[str]) -> None:
    print(f"Missed: {', '.join(missed)}" if missed else "Every target is met")


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--loads", type=int, default=LOADS, help="how often the page is loaded")
    parser.add_argument("--short", action="store_true", help=f"{SHORT_LOADS} loads, for CI")
    parser.add_argument("--session", type=float, metavar="SECONDS", help="a session instead")
    parser.add_argument("--rough", type=float, metavar="SECONDS", help="a session with trouble instead")
    given = parser.parse_args(words)
    if given.session or given.rough:
        missed = report_session(run(given.session or given.rough, rough=bool(given.rough)))
        verdict(missed)
        return 1 if missed else 0
    figures = measure(SHORT_LOADS if given.short else given.loads)
    report(figures)
    verdict(figures.missed(certain=False))
    return 1 if given.short and figures.missed(certain=True) else 0


if __name__ == "__main__":
    raise SystemExit(main())
