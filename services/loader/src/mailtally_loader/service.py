"""The loader as a service: alone in its directory, waiting for its database."""

from __future__ import annotations

import logging
import os
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

from mailtally_loader.inbox import Inbox
from mailtally_loader.loader import Loader
from mailtally_loader.metrics import LoaderMetrics
from mailtally_shared.billing.engine import open_engine, probe
from mailtally_shared.billing.rights import unusable
from mailtally_shared.billing.upgrade import upgrade
from mailtally_shared.days.directory import strays
from mailtally_shared.days.durable import directory_lock
from mailtally_shared.days.names import LOADING
from mailtally_shared.errors import MailtallyError, Refused, Unavailable
from mailtally_shared.runtime.crash_points import crash_point
from mailtally_shared.runtime.errors_shown import sentence_of
from mailtally_shared.runtime.health import Health
from mailtally_shared.runtime.logs import event
from mailtally_shared.runtime.metrics.exposition import observed
from mailtally_shared.runtime.supervisor import Loop, Supervisor
from mailtally_shared.shown import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mailtally_loader.crash_at import CrashAt, Step
    from mailtally_loader.settings import LoaderSettings
    from mailtally_shared.runtime.lifecycle import Stop

_logger = logging.getLogger(__name__)

#: Number of stray files named in one sentence.
_NAMED = 10


class _Stopped(MailtallyError):
    """Work was broken off at a point where a crash would do no harm either."""


def run(settings: LoaderSettings, stop: Stop, *, once: bool = False) -> None:
    """Load day files until asked to stop.

    Args:
        settings: the loader's settings.
        stop: breaks off even a load of millions of rows; the next start repeats it.
        once: load the present files, without waiting for them to settle, and return.

    Raises:
        SettingsError: the database URL is invalid.
        Refused: the database was made by a newer version.
        Unavailable: only with ``once``: the database is away.
    """
    health = Health()
    with ExitStack() as held:
        exposition = held.enter_context(observed(settings.health_address, settings.service, health))
        loader = _loader(settings, _watching(stop, health), once=once)
        loader.make_directories()
        supervisor = Supervisor(stop, health)
        if supervisor.insist(lambda: _lock(held, settings.statistic_dir)):
            metrics = LoaderMetrics(loader, settings.statistic_dir)
            exposition.add(metrics)
            try:
                _work(loader, metrics, settings, supervisor, once=once)
            except _Stopped:
                sentence = "Stopped in the middle of a day; the next start loads it again."
                event(_logger, logging.INFO, "load-broken-off", sentence)


def check(settings: LoaderSettings) -> Iterator[str]:
    """Check what ``run`` needs, schema and rights included; yield a sentence for each fault."""
    try:
        engine = open_engine(settings.database_url)
        probe(engine)
        yield from unusable(engine)
    except (Unavailable, Refused) as error:
        yield str(error)
    if found := strays(settings.statistic_dir, time.time()):
        names = ", ".join(one_line(name) for name in found[:_NAMED])
        yield (
            f"the statistic directory {settings.statistic_dir} holds {len(found)} old files that "
            f"belong to no day and will not be loaded: {names}"
        )
    if not os.access(_nearest_existing(settings.statistic_dir), os.W_OK | os.X_OK):
        yield f"the statistic directory {settings.statistic_dir} cannot be written to"


def _nearest_existing(path: Path) -> Path:
    return next(each for each in (path, *path.absolute().parents) if each.exists())


def _loader(settings: LoaderSettings, step: Step, *, once: bool) -> Loader:
    inbox = Inbox(settings.statistic_dir, 0.0 if once else settings.settle)
    return Loader(
        open_engine(settings.database_url),
        settings.statistic_dir,
        inbox,
        max_file_bytes=settings.max_file_bytes,
        keep_hours=settings.hours_retention,
        step=step,
    )


def _watching(stop: Stop, health: Health) -> Step:
    def step(point: CrashAt) -> None:
        health.beat()
        crash_point(point)
        if stop.requested:
            raise _Stopped("stopped")

    return step


def _lock(held: ExitStack, directory: Path) -> bool:
    """Hold the lock of the directory; raise ``Unavailable`` while another loader has it."""
    try:
        held.enter_context(directory_lock(directory / LOADING, wait=False))
    except BlockingIOError as error:
        raise Unavailable(f"Another loader works in {directory}.") from error
    return True


def _work(
    loader: Loader,
    metrics: LoaderMetrics,
    settings: LoaderSettings,
    supervisor: Supervisor,
    *,
    once: bool,
) -> None:
    def turn() -> float:
        try:
            loader.work(now=time.time(), monotonic=time.monotonic())
        except OSError as error:
            raise Unavailable(sentence_of(error)) from error
        metrics.look()
        return settings.poll

    if once:
        upgrade(loader.engine)
        turn()
    else:
        supervisor.insist(lambda: upgrade(loader.engine))
        supervisor.run(Loop("loader", turn))
