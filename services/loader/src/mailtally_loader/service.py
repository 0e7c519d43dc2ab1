"""The loader as a service: alone in its directory, patient with its database."""

from __future__ import annotations

import logging
import os
import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailtally_loader.inbox import Inbox
from mailtally_loader.loader import Loader
from mailtally_loader.metrics import LoaderMetrics
from mailtally_shared.database.engine import open_engine, probe
from mailtally_shared.database.rights import unusable
from mailtally_shared.database.upgrade import upgrade
from mailtally_shared.day_files.durable import directory_lock
from mailtally_shared.day_files.names import LOADING
from mailtally_shared.day_files.strays import strays
from mailtally_shared.errors import MailtallyError, Refused, Unavailable
from mailtally_shared.process.backoff import Backoff, keep_trying
from mailtally_shared.process.crash_points import crash_point
from mailtally_shared.process.errors_shown import sentence_of
from mailtally_shared.process.health import Health
from mailtally_shared.process.logs import event, get_logger
from mailtally_shared.process.metrics import observed
from mailtally_shared.shown import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from mailtally_loader.crash_at import CrashAt, Step
    from mailtally_loader.settings import LoaderSettings
    from mailtally_shared.process.lifecycle import Stop

_logger = get_logger(__name__)

#: Stray files that are named in one sentence.
_NAMED = 10
#: Seconds between looks whether another loader has left the directory.
_TURN = 1.0


class _Stopped(MailtallyError):
    """Work was broken off half-way, where a crash would do no harm either."""


def run(settings: LoaderSettings, stop: Stop, *, once: bool = False) -> None:
    """Load day files until the stop.

    Args:
        settings: the loader's.
        stop: breaks off even a load of millions of rows; the next start does it anew.
        once: load what is there, without waiting for files to settle, and return.

    Raises:
        SettingsError: the database URL means nothing.
        Refused: the database was made by a newer version.
        Unavailable: only with ``once``: the database is away.
    """
    health = Health()
    with ExitStack() as held:
        exposition = held.enter_context(observed(settings.health_address, settings.service, health))
        loader = _loader(settings, _watching(stop, health), once=once)
        loader.make_directories()
        if _alone(held, settings.statistic_dir, stop, health):
            metrics = LoaderMetrics(loader, settings.statistic_dir)
            exposition.add(metrics)
            _work(_Passes(loader, metrics), settings, stop, health, once=once)


def check(settings: LoaderSettings) -> Iterator[str]:
    """Try what ``run`` needs, tables and rights too; a sentence for each thing that is wrong."""
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
            f"are no day's and will not be loaded: {names}"
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
        step=step,
    )


def _watching(stop: Stop, health: Health) -> Step:
    def step(point: CrashAt) -> None:
        health.beat()
        crash_point(point)
        if stop.requested:
            raise _Stopped("stopped")

    return step


def _alone(held: ExitStack, directory: Path, stop: Stop, health: Health) -> bool:
    """Wait until this is the only loader of the directory; False when stopped before."""
    told = False
    while not stop.requested:
        try:
            held.enter_context(directory_lock(directory / LOADING, wait=False))
        except BlockingIOError:
            health.beat()
            if not told:
                sentence = "Another loader works in this directory; waiting until it ends."
                event(_logger, logging.WARNING, "loader-waits", sentence, directory=directory)
                told = True
            stop.wait(_TURN)
        else:
            return True
    return False


@dataclass(frozen=True, slots=True)
class _Passes:
    """What is done again and again."""

    loader: Loader
    metrics: LoaderMetrics

    def prepare(self) -> None:
        upgrade(self.loader.engine)

    def once(self) -> None:
        try:
            self.loader.work(now=time.time(), monotonic=time.monotonic())
        except OSError as error:
            raise Unavailable(sentence_of(error)) from error
        self.metrics.look()


def _work(
    passes: _Passes, settings: LoaderSettings, stop: Stop, health: Health, *, once: bool
) -> None:
    try:
        _patiently(passes.prepare, stop, health, once=once)
        while not stop.requested:
            _patiently(passes.once, stop, health, once=once)
            if once:
                return
            stop.wait(settings.poll)
    except _Stopped:
        sentence = "Stopped in the middle of a day; the next start does it anew."
        event(_logger, logging.INFO, "load-broken-off", sentence)


def _patiently(action: Callable[[], None], stop: Stop, health: Health, *, once: bool) -> None:
    """Do it as often as it takes; with ``once``, one time."""

    def tell(error: Unavailable, pause: float) -> None:
        health.beat()
        health.set_not_ready(str(error))
        sentence = f"Cannot load at the moment: {error}"
        event(_logger, logging.WARNING, "loader-unavailable", sentence, next_try=round(pause, 1))

    health.beat()
    if once:
        action()
        return
    keep_trying(action, stop=stop, backoff=Backoff(), tell=tell)
    if not stop.requested:
        health.set_ready()
