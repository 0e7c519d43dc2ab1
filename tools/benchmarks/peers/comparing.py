"""The part ``peers``: all contenders on the same logs, in turns, several times."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from tools.benchmarks.figures import Figures, figures
from tools.benchmarks.peers.contenders import CONTENDERS, PEERS
from tools.benchmarks.peers.running import Run, WrongAnswerError, run
from tools.benchmarks.table import table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tools.benchmarks.logs import Logs
    from tools.benchmarks.peers.contenders import Contender
    from tools.benchmarks.scale import Scale


def measure(scale: Scale) -> dict[str, Any]:
    """Compare all installed contenders, or the selected ones."""
    logs = scale.logs()
    chosen = [one for one in CONTENDERS if not scale.only or one.name in scale.only]
    try:
        present = [one for one in chosen if not one.missing]
        found = compare(present, logs, scale.repeat, _progress)
    except WrongAnswerError as error:
        raise click.ClickException(str(error)) from error
    return {
        "lines": logs.lines,
        "log_bytes": logs.size,
        "domains": scale.domains,
        "repeat": scale.repeat,
        "contenders": [asdict(one) for one in found],
        "missing": {one.title: one.missing for one in chosen if one.missing},
    }


def compare(
    contenders: Sequence[Contender], logs: Logs, repeat: int, tell: Callable[[str], None]
) -> list[Figures]:
    """Run all contenders ``repeat`` times in turn (A B C A B C …), and take the medians.

    The first round is not measured: it compiles code and finds wrong answers. Contenders that read
    only a share skip it, and all rounds beyond their limit.

    Raises:
        WrongAnswerError: one of them counted wrongly.
    """
    runs: dict[str, list[Run]] = {contender.name: [] for contender in contenders}
    for turn in range(repeat + 1):
        for contender in contenders:
            if contender.share and not 1 <= turn <= contender.share.rounds:
                continue
            tell(f"{turn}/{repeat} {contender.title}")
            measured = run(contender, logs)
            if turn:
                runs[contender.name].append(measured)
    return figures(runs, {c.name: c.title for c in contenders}, PEERS)


def shown(found: dict[str, Any]) -> str:
    """Return the table, the contenders' further figures, and who is missing."""
    return report([Figures(**one) for one in found["contenders"]], found["missing"])


def report(found: Sequence[Figures], missing: dict[str, str]) -> str:
    """Return the table of figures; ``missing`` is what is not installed, by title."""
    notes = [f"{f.title}: {_told(f.extra)}" for f in found if f.extra]
    absent = [f"{title}: not measured, {what} is not installed" for title, what in missing.items()]
    return "\n".join([table(found), "", *notes, *absent]).rstrip()


def _told(extra: dict[str, object]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {_spelled(value)}" for name, value in extra.items())


def _spelled(value: object) -> str:
    if isinstance(value, dict):
        return "(" + ", ".join(f"{name} {part}" for name, part in value.items()) + ")"
    return str(value)


def _progress(text: str) -> None:
    """Show progress as one changing line on a terminal."""
    if sys.stderr.isatty():
        click.echo(f"\r\033[K{text}\r", nl=False, err=True)
