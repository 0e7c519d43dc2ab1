"""The collector at work: one loop reads the logs, another ships the batches."""

from __future__ import annotations

import logging
import random
import threading
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailtally_collector.batcher import Batcher, BatchLimits
from mailtally_collector.follow import Follower
from mailtally_collector.ledger import Ledger, Registration
from mailtally_collector.machine.kept import keep_code_in
from mailtally_collector.machine_name import machine_name
from mailtally_collector.metrics import CollectorMetrics
from mailtally_collector.own_status import OwnStatus
from mailtally_collector.parse import ByLog, Setting, made, warm
from mailtally_collector.progress import Progress
from mailtally_collector.publish import Publisher
from mailtally_collector.reading import DOUBTS, NOTED, Reading
from mailtally_collector.registrar import SKIP, Registrar
from mailtally_collector.rejects import RejectFile
from mailtally_collector.rotation.rotating import rotating
from mailtally_collector.settling import Settling
from mailtally_collector.ship import ShipLimits, Shipper
from mailtally_collector.spool import Spool
from mailtally_collector.tail import Doubts, Noted, Tailer
from mailtally_collector.tail.absence import still_missed
from mailtally_collector.watch import Watcher
from mailtally_collector.window import Patience, Window
from mailtally_shared import __version__
from mailtally_shared.errors import Unavailable
from mailtally_shared.process.backoff import Backoff, keep_trying
from mailtally_shared.process.clock import Clock
from mailtally_shared.process.health import Health
from mailtally_shared.process.logs import event
from mailtally_shared.process.metrics import Exposition, observed
from mailtally_shared.state.client import State, connect_state
from mailtally_shared.state.keys import StateKeys, host_mark

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailtally_collector.settings import CollectorSettings
    from mailtally_shared.process.lifecycle import Stop

_log = logging.getLogger(__name__)
#: Heartbeats for which a collector counts as alive.
_SIGN_OF_LIFE = 3


@dataclass(frozen=True, slots=True)
class _Site:
    """What this collector is: its spool, its view of the ledger, its registration, its metrics."""

    spool: Spool
    state: State
    ledger: Ledger
    registrar: Registrar
    registration: Registration
    exposition: Exposition
    clock: Clock


def run(settings: CollectorSettings, stop: Stop, *, once: bool = False) -> None:
    """Follow the logs until asked to stop, or, with ``once``, until all is read and applied.

    On a stop, what was read is in the spool; the next start sends it.
    """
    health, clock = Health(), Clock()
    with ExitStack() as stack:
        exposition = stack.enter_context(
            observed(settings.health_address, settings.service, health)
        )
        spool = stack.enter_context(Spool.open(settings.state_dir, host_mark(settings.host)))
        keep_code_in(settings.state_dir / "kernel")
        warm()
        # One for all, so that a failure of one connection ends the others' wait, too.
        state = connect_state(settings.resolved_state_url)
        ledger = Ledger(state, StateKeys(), _SIGN_OF_LIFE * settings.heartbeat)
        registrar = Registrar(spool, ledger, settings.host, machine_name(), clock.wall)
        registration = _wait_for(stop, health, registrar.start)
        if registration is not None:
            site = _Site(spool, state, ledger, registrar, registration, exposition, clock)
            _work(settings, stop, health, site, once=once)


def _work(
    settings: CollectorSettings,
    stop: Stop,
    health: Health,
    site: _Site,
    *,
    once: bool,
) -> None:
    with ExitStack() as stack:
        reading, tailer = _begun(settings, site, stack)
        status = _own_status(site, tailer, reading)
        shipper = _shipper(settings, site, reading, status)
        shipping = _Shipping(shipper, site.clock, stop, health)
        follower = Follower(
            tailer=tailer,
            reading=reading,
            watcher=stack.enter_context(Watcher(settings.logs, stop)),
            stop=stop,
            health=health,
            rescan=settings.rescan,
            clock=site.clock,
            spooled=shipping.wake,
            settle=Settling(settings.state_dir, site.spool, tailer).turn,
        )
        shipping.applied = follower.applied
        metrics = CollectorMetrics(settings, site.spool, shipper, follower, reading, site.clock)
        site.exposition.add(metrics)
        if not once:
            stack.enter_context(rotating(settings, site.spool, site.clock, stop))
        shipping.start()
        try:
            if once:
                follower.run_to_end(
                    all_applied=lambda: site.spool.unapplied_count() == 0,
                    end_known=lambda: shipper.end_is_known,
                )
            else:
                follower.run()
        finally:
            stop.request()
            shipping.wake()
            shipping.join()
    if shipping.error is not None:
        raise shipping.error


def _begun(settings: CollectorSettings, site: _Site, stack: ExitStack) -> tuple[Reading, Tailer]:
    """Return what reads the logs, ready to go on where the spool says."""
    tailer = _tailer(settings, site)
    stack.callback(tailer.close)
    reading = _reading(settings, site, tailer, stack)
    if not site.spool.known():
        tailer.scan(site.clock.steady())
        reading.learn_what_is_behind()
    return reading, tailer


def _tailer(settings: CollectorSettings, site: _Site) -> Tailer:
    spool, state_dir = site.spool, str(settings.state_dir.absolute())
    spool.resume_ages(site.clock.steady())
    doubts = spool.get_meta(DOUBTS) or ""
    return Tailer(
        settings.logs,
        start=settings.start,
        chunk_size=settings.chunk_size,
        rotate_wait=settings.rotate_wait,
        forget_after=settings.forget_after,
        max_open_files=settings.max_open_files,
        positions=still_missed(spool.positions(), site.clock.steady()),
        skip=Progress.from_json(spool.get_meta(SKIP) or "").skip,
        also_counted=True,
        state_dir=state_dir,
        noted=Noted.from_json(spool.get_meta(NOTED) or ""),
        doubts=Doubts(doubts, keep=settings.spool.remember_hours, state_dir=state_dir),
    )


def _reading(settings: CollectorSettings, site: _Site, tailer: Tailer, stack: ExitStack) -> Reading:
    spool = site.spool
    return Reading(
        tailer=tailer,
        parser=ByLog(made(_parsing(settings)), settings.format_of, spool.known()),
        batcher=Batcher(BatchLimits(settings.batch_records, settings.linger)),
        rejects=stack.enter_context(
            RejectFile(settings.state_dir, spool.rejects_kept, settings.rejects_bytes)
        ),
        spool=spool,
        registration=site.registration,
        keys=StateKeys(),
        window=settings.window,
    )


def _parsing(settings: CollectorSettings) -> Setting:
    join = settings.join
    return Setting(settings.host, int(join.max_age), join.max_entries)


def _own_status(site: _Site, tailer: Tailer, reading: Reading) -> OwnStatus:
    return OwnStatus(
        release=__version__,
        since=site.clock.wall(),
        found=tailer.found,
        seen=reading.seen,
        stated=site.clock.stated,
    )


def _shipper(
    settings: CollectorSettings, site: _Site, reading: Reading, status: OwnStatus
) -> Shipper:
    patience = Patience(first=settings.resend_first, longest=settings.resend_longest)
    return Shipper(
        spool=site.spool,
        ledger=site.ledger,
        publisher=Publisher(settings.broker_url, site.state),
        window=Window(patience, random.Random()),  # noqa: S311 - jitter is no secret
        registration=site.registration,
        renew=site.registrar.renew,
        read_up_to=lambda: reading.read_up_to,
        status=status,
        limits=ShipLimits(
            window=settings.window,
            queue=settings.queue,
            heartbeat=settings.heartbeat,
            keep_applied=settings.spool.keep_applied,
            keep_bytes=settings.spool.keep_bytes,
            remember_hours=settings.spool.remember_hours,
        ),
        stated=site.clock.stated,
    )


class _Shipping(threading.Thread):
    """The shipping loop; when it fails for good, the process stops with its error."""

    def __init__(self, shipper: Shipper, clock: Clock, stop: Stop, health: Health) -> None:
        super().__init__(name="shipper")
        self._shipper = shipper
        self._now = clock.steady
        self._stop_request = stop
        self._health = health
        self._spooled = threading.Event()
        self._backoff = Backoff(cap=2.0)
        self.applied: Callable[[], None] = lambda: None
        self.error: Exception | None = None

    def wake(self) -> None:
        """Say that something was spooled, or that it is time to stop."""
        self._spooled.set()

    def run(self) -> None:
        try:
            while not self._stop_request.requested:
                self._spooled.clear()
                self._pause(self._turn())
        except Exception as error:  # noqa: BLE001 - raised again by the main thread
            self.error = error
            self._stop_request.request()

    def _turn(self) -> float:
        try:
            pause = self._shipper.turn(self._now())
        except Unavailable as error:
            self._shipper.reset()
            self._health.set_not_ready(str(error))
            pause = self._backoff.next()
            event(
                _log, logging.WARNING, "waiting", f"{error} Trying again.", seconds=round(pause, 2)
            )
            self._stop_request.wait(pause)
            return 0.0
        self._backoff.reset()
        self._health.set_ready()
        self.applied()
        return pause

    def _pause(self, seconds: float) -> None:
        self._spooled.wait(seconds)


def _wait_for(
    stop: Stop, health: Health, action: Callable[[], Registration]
) -> Registration | None:
    """Try until the servers are there; ``None`` when asked to stop first."""

    def tell(error: Unavailable, pause: float) -> None:
        health.beat()
        health.set_not_ready(str(error))
        event(_log, logging.WARNING, "waiting", f"{error} Trying again.", seconds=round(pause, 2))

    return keep_trying(action, stop=stop, backoff=Backoff(cap=2.0), tell=tell)
