"""What the rounds came to: a line for each, and a table by kind. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from tests.interruptions.judging import Fault
from tests.interruptions.playing import Round
from tests.interruptions.scenario import MIXED, Kind

_ROWS: Final = (*map(str, Kind), MIXED)


def show_line(result: Round) -> str:
    """One round in one line."""
    if result.skipped:
        verdict = f"SKIPPED {result.skipped}"
    elif result.too_late:
        verdict = "PROVES NOTHING, a file came after the landing time"
    elif result.defect:
        verdict = f"DEFECT of the harness: {result.defect.strip().splitlines()[-1]}"
    elif result.findings:
        verdict = "WRONG " + ", ".join(f"{fault} {count}" for fault, count in _amounts(result).items())
    else:
        verdict = "right"
    notes = [f"{result.seconds:.0f} s"]
    if result.missed:
        notes.append(f"{result.missed} missed")
    if result.last_uploads > 1:
        notes.append(f"{result.last_uploads} last uploads")
    return f"{result.scenario.seed:6}  {verdict}  [{result.scenario}]  ({', '.join([*notes, *result.remarks])})"


def show_findings(result: Round, most: int = 12) -> list[str]:
    """What was wrong, a line each."""
    lines = [f"        {finding.fault}: {finding.text}" for finding in result.findings[:most]]
    if len(result.findings) > most:
        lines.append(f"        ... and {len(result.findings) - most} more")
    return lines + [f"        {line}" for line in result.defect.splitlines()]


def _amounts(result: Round) -> dict[Fault, int]:
    """How often each fault was found in a round, in the order of the columns."""
    counts = {fault: sum(finding.fault is fault for finding in result.findings) for fault in Fault}
    return {fault: count for fault, count in counts.items() if count}


def make_table(results: Sequence[Round]) -> list[list[str]]:
    """Head and rows: rounds by kind, and in how many of them each fault was found at least once."""
    shown = list(Fault)
    rows = [["interruption", "rounds", "wrong", *shown]]
    for label in _ROWS:
        own = [result for result in results if result.scenario.label == label and result.counts]
        if own:
            rows.append(_row(label, own, shown))
    rows.append(_row("all", [result for result in results if result.counts], shown))
    return rows


def _row(label: str, results: Sequence[Round], shown: Iterable[Fault]) -> list[str]:
    counts = [sum(any(one.fault is fault for one in result.findings) for result in results) for fault in shown]
    wrong = sum(not result.good for result in results)
    return [label, str(len(results)), str(wrong), *map(str, counts)]


def as_text(rows: Sequence[Sequence[str]]) -> str:
    """For a terminal."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        lines.append("  ".join([row[0].ljust(widths[0]), *cells]))
    return "\n".join(lines)


def as_markdown(rows: Sequence[Sequence[str]]) -> str:
    """For docs/benchmarks.md."""
    head, *body = rows
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *body]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"
