"""The collector's main program: one loop reads the logs, one ships batches, one rotates."""

from __future__ import annotations

import random
import threading
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailtally_collector.follow import Follower
from mailtally_collector.formats import ByLog, made, warm
from mailtally_collector.machine_name import machine_name
from mailtally_collector.metrics import CollectorMetrics
from mailtally_collector.own_status import OwnStatus
from mailtally_collector.reading import DOUBTS, NOTED, Reading
from mailtally_collector.rotate.rotator import Rotator
from mailtally_collector.settling import Settling
from mailtally_collector.ship.ledger import Ledger, Registration
from mailtally_collector.ship.publish import Publisher
from mailtally_collector.ship.registrar import SKIP, Registrar
from mailtally_collector.ship.shipping import ShipLimits, Shipper
from mailtally_collector.ship.window import Patience, Window
from mailtally_collector.site_step import SiteStep
from mailtally_collector.spool.batcher import Batcher, BatchLimits
from mailtally_collector.spool.progress import Progress
from mailtally_collector.spool.rejects import RejectFile
from mailtally_collector.spool.spool import Spool
from mailtally_collector.tail import Doubts, Noted, Tailer
from mailtally_collector.tail.absence import still_missed
from mailtally_collector.tail.discover import Discovery
from mailtally_collector.watch import Watcher
from mailtally_shared import __version__
from mailtally_shared.runtime.clock import Clock
from mailtally_shared.runtime.health import Health
from mailtally_shared.runtime.metrics.exposition import Exposition, observed
from mailtally_shared.runtime.supervisor import Loop, Supervisor
from mailtally_shared.state.client import State, connect_state
from mailtally_shared.state.keys import StateKeys, host_mark

if TYPE_CHECKING:
    from mailtally_collector.settings import CollectorSettings
    from mailtally_shared.runtime.lifecycle import Stop

#: Heartbeats after the last one during which a collector counts as alive.
_SIGN_OF_LIFE = 3
_READER = "reader"


@dataclass(frozen=True, slots=True)
class _Site:
    """The parts of a running collector: spool, ledger, registration, metrics, clock."""

    spool: Spool
    state: State
    ledger: Ledger
    registrar: Registrar
    registration: Registration
    exposition: Exposition
    step: SiteStep
    clock: Clock


def run(settings: CollectorSettings, stop: Stop, *, once: bool = False) -> None:
    """Follow the logs until asked to stop, or, with ``once``, until all is read and applied.

    After a stop, everything read is in the spool; the next start sends it.
    """
    health, clock = Health(), Clock()
    supervisor = Supervisor(stop, health)
    with ExitStack() as stack:
        exposition = stack.enter_context(
            observed(settings.health_address, settings.service, health)
        )
        spool = stack.enter_context(Spool.open(settings.state_dir, host_mark(settings.host)))
        warm()
        # One connection pool for all: a failure of one connection also ends the others' wait.
        state = connect_state(settings.resolved_state_url)
        ledger = Ledger(state, StateKeys(), _SIGN_OF_LIFE * settings.heartbeat)
        registrar = Registrar(spool, ledger, settings.host, machine_name(), clock.wall)
        registration = supervisor.insist(registrar.start)
        if registration is not None:
            step = SiteStep(ledger, folds=settings.fold, interval=settings.heartbeat)
            supervisor.insist(lambda: step.turn(clock.steady()))
            site = _Site(spool, state, ledger, registrar, registration, exposition, step, clock)
            _work(settings, stop, supervisor, health, site, once=once)


def _work(
    settings: CollectorSettings,
    stop: Stop,
    supervisor: Supervisor,
    health: Health,
    site: _Site,
    *,
    once: bool,
) -> None:
    spooled = threading.Event()
    with ExitStack() as stack:
        reading, tailer = _begun(settings, site, stack)
        shipper = _shipper(settings, site, reading, _own_status(site, tailer, reading))
        follower = Follower(
            tailer=tailer,
            reading=reading,
            watcher=stack.enter_context(Watcher(settings.logs, stop)),
            stop=stop,
            insist=lambda action: supervisor.insist(action, _READER),
            beat=health.beat,
            rescan=settings.rescan,
            clock=site.clock,
            spooled=spooled.set,
            settle=Settling(settings.state_dir, site.spool, tailer).turn,
        )
        site.exposition.add(
            CollectorMetrics(settings, site.spool, shipper, follower, reading, site.clock)
        )
        stack.enter_context(supervisor)
        supervisor.start(_shipping(shipper, follower, site, spooled))
        if once:
            follower.run_to_end(
                all_applied=lambda: site.spool.unapplied_count() == 0,
                end_known=lambda: shipper.end_is_known,
            )
            return
        if settings.rotation.is_on:
            supervisor.start(_rotating(settings, site, stop))
        supervisor.run(Loop(_READER, follower.turn, wait=follower.wait, last=follower.last))


def _shipping(shipper: Shipper, follower: Follower, site: _Site, spooled: threading.Event) -> Loop:
    def turn() -> float:
        spooled.clear()
        site.step.turn(site.clock.steady())
        pause = shipper.turn(site.clock.steady())
        follower.applied()
        return pause

    return Loop("shipper", turn, wait=spooled.wait, wake=spooled.set, reset=shipper.reset)


def _rotating(settings: CollectorSettings, site: _Site, stop: Stop) -> Loop:
    """Return the loop that rotates logs, so that no command or compression delays reading."""
    rotator = Rotator(settings.rotation, Discovery(settings.logs), site.spool, stop)

    def turn() -> float:
        rotator.turn(site.clock.wall())  # when rotation is due depends on the machine's clock
        return settings.rescan

    return Loop("rotator", turn, is_vital=False)


def _begun(settings: CollectorSettings, site: _Site, stack: ExitStack) -> tuple[Reading, Tailer]:
    """Return the reading parts, ready to resume at the spool's positions."""
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
        parser=ByLog(made(settings.parsing), settings.format_of, spool.known()),
        batcher=Batcher(BatchLimits(settings.batch_keys, settings.batch_bytes, settings.linger)),
        rejects=stack.enter_context(
            RejectFile(settings.state_dir, spool.rejects_kept, settings.rejects_bytes)
        ),
        spool=spool,
        registration=site.registration,
        keys=StateKeys(),
        window=settings.window,
        step=lambda: site.step.seconds,
    )


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
