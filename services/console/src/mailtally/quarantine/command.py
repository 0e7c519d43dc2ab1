"""The commands ``mailtally quarantine list``, ``replay``, ``export``, ``import``, ``drop``."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mailtally.options import of_a_site
from mailtally.quarantine.file import chunks, entries
from mailtally.quarantine.view import line_of, write_json
from mailtally.settings import aggregator_settings, console_settings
from mailtally.state_found import open_state
from mailtally_aggregator.commit import Committer
from mailtally_aggregator.hosted_file import HostedFile
from mailtally_aggregator.kept_aside import bring_back, count_after_all, kept_aside
from mailtally_aggregator.kept_aside import drop as drop_entry
from mailtally_shared.calendar import Calendar
from mailtally_shared.day_files.durable import place
from mailtally_shared.process.errors_shown import FAILED, plain_errors
from mailtally_shared.state.keys import StateKeys

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from mailtally_aggregator.kept_aside import KeptAside
    from mailtally_aggregator.settings import AggregatorSettings
    from mailtally_shared.state.client import State

_entries = click.argument("entry", nargs=-1)
_all = click.option("--all", "everything", is_flag=True, help="All that is in quarantine.")


@click.group("quarantine")
def quarantine() -> None:
    """Show batches that could not be used, count them after all, move them out or drop them."""


@quarantine.command("list")
@click.option(
    "--format", "shape", type=click.Choice(["table", "json"]), default="table", show_default=True
)
@of_a_site
@plain_errors
def list_(shape: str, data: Path | None, config: Path | None) -> None:
    """Show what is in quarantine: a line an entry, and why it is there."""
    with _site(data, config) as (state, _):
        found = kept_aside(state, StateKeys())
        if shape == "json":
            write_json(found, sys.stdout)
            return
        for kept in found:
            click.echo(line_of(kept))


@quarantine.command("replay")
@_entries
@_all
@of_a_site
@plain_errors
def replay(
    entry: tuple[str, ...], data: Path | None, config: Path | None, *, everything: bool
) -> None:
    """Count batches after all, after what was wrong with them was mended.

    Each is added to the totals and leaves the quarantine in one step, so that it is
    counted once whatever happens meanwhile. What still cannot be used stays.
    """
    with _site(data, config) as (state, settings):
        committer = _committer(state, settings)

        def count(kept: KeptAside) -> str | None:
            return count_after_all(committer, kept, settings.max_payload, time.time())

        _do("Counted", count, _chosen(state, entry, everything=everything))


@quarantine.command("drop")
@_entries
@_all
@of_a_site
@plain_errors
def drop(
    entry: tuple[str, ...], data: Path | None, config: Path | None, *, everything: bool
) -> None:
    """Remove entries for good, uncounted.

    Save them first, with 'list --format json'. The ledger goes on telling how many
    records were quarantined.
    """
    with _site(data, config) as (state, _):

        def remove(kept: KeptAside) -> str | None:
            gone = drop_entry(state, StateKeys(), kept)
            return None if gone else "It is not in quarantine any more."

        _do("Dropped", remove, _chosen(state, entry, everything=everything))


@quarantine.command("export")
@click.option(
    "--out",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file to write; one that exists is not touched.",
)
@_entries
@_all
@of_a_site
@plain_errors
def export(
    entry: tuple[str, ...],
    out: Path,
    data: Path | None,
    config: Path | None,
    *,
    everything: bool,
) -> None:
    """Move entries out to a file, whole, to make room; 'import' brings them back.

    The file is on disk before anything is removed. What it holds can be brought
    back once, however often that is tried.
    """
    if out.exists():
        raise click.UsageError(f"{out} exists; name another file.")
    with _site(data, config) as (state, _):
        place(out.absolute(), chunks(_chosen(state, entry, everything=everything)))

        def remove(kept: KeptAside) -> str | None:
            gone = drop_entry(state, StateKeys(), kept, moved_out=True)
            return None if gone else "It is not in quarantine any more."

        _do("Moved out", remove, entries(out))


@quarantine.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@of_a_site
@plain_errors
def import_(file: Path, data: Path | None, config: Path | None) -> None:
    """Bring back what 'export' moved out to a file; 'replay' then counts it."""
    with _site(data, config) as (state, settings):

        def bring(kept: KeptAside) -> str | None:
            return bring_back(state, StateKeys(), kept, settings.quarantine)

        _do("Brought back", bring, entries(file))


@contextmanager
def _site(data: Path | None, config: Path | None) -> Iterator[tuple[State, AggregatorSettings]]:
    settings = console_settings(config, data)
    with open_state(settings, wake=True) as state:
        yield state, aggregator_settings(settings, config)


def _committer(state: State, settings: AggregatorSettings) -> Committer:
    """What an aggregator would count with."""
    hosted = HostedFile(settings.hosted_domains).current()
    return Committer(
        state,
        StateKeys(),
        Calendar(settings.zone),
        caps=settings.caps,
        charged_name=hosted.charged_name if hosted else str,
    )


def _chosen(state: State, entries: Sequence[str], *, everything: bool) -> Iterator[KeptAside]:
    if bool(entries) == everything:
        raise click.UsageError("Name entries, as 'quarantine list' shows them, or say --all.")
    missing = set(entries)
    for kept in kept_aside(state, StateKeys()):
        missing.discard(kept.entry)
        if everything or kept.entry in entries:
            yield kept
    if missing:
        raise click.UsageError(f"Not in quarantine: {', '.join(sorted(missing))}.")


def _do(word: str, action: Callable[[KeptAside], str | None], chosen: Iterator[KeptAside]) -> None:
    """Do it to each; says what became of it, and fails if any was not done."""
    all_done = True
    for kept in chosen:
        trouble = action(kept)
        all_done = all_done and trouble is None
        click.echo(f"{kept.entry}: {trouble or f'{word} ({kept.records:,} records).'}")
    if not all_done:
        sys.exit(FAILED)
