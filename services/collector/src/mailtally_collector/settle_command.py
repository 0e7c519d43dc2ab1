"""``mailtally-collector settle``: set where to resume in a stopped log, or accept a changed one."""

from __future__ import annotations

from pathlib import Path

import click

from mailtally_collector.settings import CollectorSettings
from mailtally_collector.settling import Settlement, doubtful_logs, note, stopped_logs
from mailtally_shared.errors import Refused
from mailtally_shared.runtime.errors_shown import plain_errors
from mailtally_shared.runtime.options import config_option
from mailtally_shared.runtime.settings.loading import load_settings

_FILE = click.argument("file", required=False)
_STATE_DIR = click.option(
    "--state-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="The collector's state directory (default: MAILTALLY_STATE_DIR).",
)
_FROM_END = click.option(
    "--from-end", is_flag=True, help="Resume at the end: count only what is written from now on."
)
_FROM_BEGINNING = click.option(
    "--from-beginning", is_flag=True, help="Count the whole log, even if it was counted before."
)
_FROM_LINE = click.option(
    "--from-line", type=click.IntRange(min=1), help="Resume at this line; the first line is 1."
)
_ACCEPT = click.option("--accept", is_flag=True, help="Accept what was counted of a changed log.")


@click.command("settle")
@_FILE
@_FROM_END
@_FROM_LINE
@_FROM_BEGINNING
@_ACCEPT
@_STATE_DIR
@config_option
@plain_errors
def settle(
    file: str | None,
    from_line: int | None,
    state_dir: Path | None,
    config: Path | None,
    *,
    from_end: bool,
    from_beginning: bool,
    accept: bool,
) -> None:
    """List the stopped and the doubtful logs, or settle FILE.

    The collector applies it at its next scan, or at its next start.
    """
    directory = state_dir or load_settings(CollectorSettings, config).state_dir
    stopped = {log.path: log for log in stopped_logs(directory)}
    if file is None:
        doubtful = [log.sentence for log in doubtful_logs(directory)]
        for sentence in (*(log.sentence for log in stopped.values()), *doubtful):
            click.echo(sentence)
        return
    if [from_end, from_line is not None, from_beginning, accept].count(True) != 1:
        raise click.UsageError(
            "Choose one of --from-end, --from-line, --from-beginning and --accept."
        )
    path = str(Path(file).absolute())
    if accept:
        _accept(directory, path)
        return
    if path not in stopped:
        raise Refused(f"{path} is not stopped. Without FILE, the command lists those that are.")
    line = 1 if from_beginning else from_line
    note(directory, Settlement(path, stopped[path].since, line))
    click.echo(f"Reading of {path} resumes at the collector's next scan.")


def _accept(directory: Path, path: str) -> None:
    latest = {log.path: log.until or 0.0 for log in doubtful_logs(directory)}
    if path not in latest:
        raise Refused(f"{path} is not doubtful. Without FILE, the command lists those that are.")
    note(directory, Settlement(path, latest[path], accepts=True))
    click.echo(f"{path} is accepted at the collector's next scan.")
