"""The commands ``mailtally quarantine list``, ``replay``, ``drop``, ``export``, ``import``."""

from __future__ import annotations

import json
import sys
import time
from base64 import b64encode
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click
import msgpack

from mailtally.local.state_found import open_state
from mailtally.options import of_a_site
from mailtally.settings import console_settings, site_settings
from mailtally_shared.calendar import Calendar
from mailtally_shared.days.durable import place
from mailtally_shared.errors import BadFile
from mailtally_shared.runtime.errors_shown import FAILED, plain_errors
from mailtally_shared.shown import one_line
from mailtally_shared.state.commit.commit import Committer
from mailtally_shared.state.hosted_lists import HostedFile
from mailtally_shared.state.keys import StateKeys
from mailtally_shared.state.uncounted.quarantined import (
    bring_back,
    count_after_all,
    kept_aside,
    read_kept,
)
from mailtally_shared.state.uncounted.quarantined import drop as drop_entry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from mailtally_shared.site_settings import SiteSettings
    from mailtally_shared.state.client import State
    from mailtally_shared.state.uncounted.quarantined import KeptAside


#: Version of the JSON document.
FORMAT = 1
_LONGEST = 200  # characters shown of a sentence


def line_of(kept: KeptAside) -> str:
    """Return an entry as a line: id, time, host, number of records, reason."""
    when = datetime.fromtimestamp(kept.time, UTC)
    host = kept.header.host if kept.header else "-"
    entry = one_line(kept.entry, _LONGEST)
    why = f"{one_line(kept.reason)}: {one_line(kept.message, _LONGEST)}"
    return f"{entry}  {when:%Y-%m-%d %H:%M:%SZ}  {host}  {kept.records:,} records  {why}"


def write_json(found: Iterable[KeptAside], file: IO[str]) -> None:
    """Write one JSON document with everything, payloads as Base64, as a backup."""
    document = {"format": FORMAT, "entries": [_fields(kept) for kept in found]}
    json.dump(document, file, indent=2)
    file.write("\n")


def _fields(kept: KeptAside) -> dict[str, Any]:
    return {
        "entry": kept.entry,
        "reason": kept.reason,
        "message": kept.message,
        "time": kept.time,
        "bytes": kept.size,
        "records": kept.records,
        "header": kept.header.model_dump(mode="json") if kept.header else None,
        "payload": b64encode(kept.payload).decode("ascii"),
    }


_MARK = "mailtally-quarantine-1"
#: Most bytes of an entry: more than any quarantine holds.
_LARGEST = 1 << 31


def chunks(chosen: Iterable[KeptAside]) -> Iterator[bytes]:
    """Yield the bytes of an export file, piece by piece."""
    yield msgpack.packb(_MARK)
    for kept in chosen:
        yield msgpack.packb([kept.entry, kept.packed])


def entries(path: Path) -> Iterator[KeptAside]:
    """Yield the entries of an export file.

    Raises:
        BadFile: it is not an export file, or not complete.
    """
    with path.open("rb") as file:
        unpacker = msgpack.Unpacker(file, max_buffer_size=_LARGEST)
        try:
            mark, *_ = next(unpacker), None
            _expect(mark, _MARK)
            for entry, packed in unpacker:
                yield read_kept(str(entry), bytes(packed))
            _expect(unpacker.tell(), path.stat().st_size)
        except (ValueError, TypeError, KeyError, StopIteration, msgpack.UnpackException) as error:
            raise BadFile(
                "bad-quarantine-file",
                str(path),
                "it is not a file of 'mailtally quarantine export', or not complete",
            ) from error


def _expect(found: object, wanted: object) -> None:
    if found != wanted:
        raise ValueError(f"{wanted} was expected")


_entries = click.argument("entry", nargs=-1)
_all = click.option("--all", "everything", is_flag=True, help="All entries in quarantine.")


@click.group("quarantine")
def quarantine() -> None:
    """List quarantined batches, or replay, export, import or drop them."""


@quarantine.command("list")
@click.option(
    "--format", "shape", type=click.Choice(["table", "json"]), default="table", show_default=True
)
@of_a_site
@plain_errors
def list_(shape: str, data: Path | None, config: Path | None) -> None:
    """List the entries in quarantine, a line each, with the reason."""
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
    """Count quarantined batches, once their cause is fixed.

    Each batch is added to the totals and leaves the quarantine in one step, so that it is counted
    exactly once whatever happens meanwhile. A batch that still cannot be used stays.
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
    """Delete entries without counting them.

    Save them first with 'list --format json'. The ledger keeps the number of records that were
    quarantined.
    """
    with _site(data, config) as (state, _):

        def remove(kept: KeptAside) -> str | None:
            gone = drop_entry(state, StateKeys(), kept)
            return None if gone else "It is no longer in quarantine."

        _do("Dropped", remove, _chosen(state, entry, everything=everything))


@quarantine.command("export")
@click.option(
    "--out",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write; it must not exist.",
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
    """Move entries to a file, to make room; 'import' restores them.

    The file is on disk before anything is removed. Its entries can be restored once, however often
    that is tried.
    """
    if out.exists():
        raise click.UsageError(f"{out} exists; name another file.")
    with _site(data, config) as (state, _):
        chosen = _chosen(state, entry, everything=everything)
        first = next(chosen, None)
        if first is None:
            click.echo(f"The quarantine is empty; {out} was not written.")
            return
        place(out.absolute(), chunks(chain([first], chosen)))

        def remove(kept: KeptAside) -> str | None:
            gone = drop_entry(state, StateKeys(), kept, moved_out=True)
            return None if gone else "It is no longer in quarantine."

        _do("Exported", remove, entries(out))


@quarantine.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@of_a_site
@plain_errors
def import_(file: Path, data: Path | None, config: Path | None) -> None:
    """Restore the entries that 'export' moved to a file; 'replay' then counts them."""
    with _site(data, config) as (state, settings):

        def bring(kept: KeptAside) -> str | None:
            return bring_back(state, StateKeys(), kept, settings.quarantine)

        _do("Imported", bring, entries(file))


@contextmanager
def _site(data: Path | None, config: Path | None) -> Iterator[tuple[State, SiteSettings]]:
    settings = console_settings(config, data)
    with open_state(settings, wake=True) as state:
        yield state, site_settings(settings, config)


def _committer(state: State, settings: SiteSettings) -> Committer:
    """Return a committer with the settings of an aggregator."""
    hosted = HostedFile(settings.hosted_domains).current()
    return Committer(
        state,
        StateKeys(),
        Calendar(settings.zone),
        caps=settings.caps,
        charged_name=hosted.charged_name if hosted else str,
        hours=settings.hours,
    )


def _chosen(state: State, entries: Sequence[str], *, everything: bool) -> Iterator[KeptAside]:
    if bool(entries) == everything:
        raise click.UsageError("Name entries, as 'quarantine list' shows them, or give --all.")
    missing = set(entries)
    for kept in kept_aside(state, StateKeys()):
        missing.discard(kept.entry)
        if everything or kept.entry in entries:
            yield kept
    if missing:
        raise click.UsageError(f"Not in quarantine: {', '.join(sorted(missing))}.")


def _do(word: str, action: Callable[[KeptAside], str | None], chosen: Iterator[KeptAside]) -> None:
    """Apply an action to each entry, print the result, and exit with 1 if any failed."""
    all_done = True
    for kept in chosen:
        trouble = action(kept)
        all_done = all_done and trouble is None
        click.echo(f"{kept.entry}: {trouble or f'{word} ({kept.records:,} records).'}")
    if not all_done:
        sys.exit(FAILED)
