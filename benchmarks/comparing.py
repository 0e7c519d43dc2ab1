"""The part ``peers``: everyone on the same logs, one after the other, several times over."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from benchmarks.contenders import CONTENDERS, PEERS
from benchmarks.figures import Figures, figures
from benchmarks.running import Run, WrongAnswerError, run
from benchmarks.table import table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.contenders import Contender
    from benchmarks.logs import Logs
    from benchmarks.scale import Scale


def measure(scale: Scale) -> dict[str, Any]:
    """Compare all that are installed, or those asked for."""
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

    A first round is not measured: it compiles what is compiled once, and finds who is wrong. Those
    that get a share sit it out, and all rounds beyond theirs.

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
    """The table, what each contender told beside it, and who could not take part."""
    return report([Figures(**one) for one in found["contenders"]], found["missing"])


def report(found: Sequence[Figures], missing: dict[str, str]) -> str:
    """The same, of figures; ``missing`` is what has to be installed, by the contender's title."""
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
    """One line that changes on a terminal, nothing elsewhere."""
    if sys.stderr.isatty():
        click.echo(f"\r\033[K{text}\r", nl=False, err=True)
