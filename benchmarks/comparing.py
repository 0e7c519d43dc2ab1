"""The comparison: everyone on the same logs, one after the other, several times over."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.figures import Figures, figures
from benchmarks.running import Run, run
from benchmarks.table import table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from benchmarks.contenders import Contender
    from benchmarks.logs import Logs

RESULTS = Path(__file__).parent / "results"


def compare(
    contenders: Sequence[Contender], logs: Logs, repeat: int, tell: Callable[[str], None]
) -> list[Figures]:
    """Run all contenders ``repeat`` times in turn (A B C A B C …), and take the medians.

    A first round is not measured: it compiles what is compiled once, and finds who is wrong.

    Raises:
        WrongAnswerError: one of them counted wrongly.
    """
    runs: dict[str, list[Run]] = {contender.name: [] for contender in contenders}
    for turn in range(repeat + 1):
        for contender in contenders:
            tell(f"{turn}/{repeat} {contender.title}")
            runs[contender.name].append(run(contender, logs))
    measured = {name: these[1:] for name, these in runs.items()}
    return figures(measured, {c.name: c.title for c in contenders}, logs.lines)


def report(found: Sequence[Figures], missing: Sequence[Contender]) -> str:
    """The table, what each contender told beside it, and who could not take part."""
    notes = [f"{f.title}: {_told(f.extra)}" for f in found if f.extra]
    absent = [f"{c.title}: not measured, {c.missing} is not installed" for c in missing]
    return "\n".join([table(found), "", *notes, *absent]).rstrip()


def save(
    found: Sequence[Figures], machine: Mapping[str, object], logs: Logs, repeat: int, domains: int
) -> Path:
    """Write the figures with the machine's facts; returns where to."""
    now = datetime.now(UTC)
    result = {
        "taken_at": now.isoformat(timespec="seconds"),
        "lines": logs.lines,
        "log_bytes": logs.size,
        "domains": domains,
        "repeat": repeat,
        "machine": machine,
        "contenders": [asdict(one) for one in found],
    }
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{now:%Y-%m-%dT%H%M%SZ}.json"
    path.write_text(json.dumps(result, indent=2) + "\n", "utf-8")
    return path


def _told(extra: dict[str, object]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {_spelled(value)}" for name, value in extra.items())


def _spelled(value: object) -> str:
    if isinstance(value, dict):
        return "(" + ", ".join(f"{name} {part}" for name, part in value.items()) + ")"
    return str(value)
