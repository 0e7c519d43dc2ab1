"""The collector at work: one loop reads the logs, another ships the batches."""

from __future__ import annotations

import logging
import random
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailtally_collector.batcher import Batcher, BatchLimits
from mailtally_collector.crash_at import CrashAt
from mailtally_collector.follow import Follower
from mailtally_collector.ledger import Ledger, Registration
from mailtally_collector.machine.kept import keep_code_in
from mailtally_collector.metrics import CollectorMetrics
from mailtally_collector.parse import ByLog, Setting, made, warm
from mailtally_collector.progress import Progress, resume
from mailtally_collector.publish import Publisher
from mailtally_collector.reading import Reading
from mailtally_collector.rejects import RejectFile
from mailtally_collector.rotation.rotating import rotating
from mailtally_collector.ship import ShipLimits, Shipper
from mailtally_collector.spool import Spool
from mailtally_collector.tail import Tailer
from mailtally_collector.watch import Watcher
from mailtally_collector.window import Patience, Window
from mailtally_shared.columns import END_OF_TIME
from mailtally_shared.errors import Unavailable
from mailtally_shared.process.backoff import Backoff, keep_trying
from mailtally_shared.process.crash_points import crash_point
from mailtally_shared.process.health import Health
from mailtally_shared.process.logs import event
from mailtally_shared.process.metrics import Exposition, observed
from mailtally_shared.process.reachable import unreachable
from mailtally_shared.state.client import State, connect_state
from mailtally_shared.state.keys import StateKeys, host_mark

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mailtally_collector.settings import CollectorSettings
    from mailtally_shared.process.lifecycle import Stop

_log = logging.getLogger(__name__)
_SKIP = "skip"
_EPOCH = "epoch"


@dataclass(frozen=True, slots=True)
class _Site:
    """What this collector is: its spool, its view of the ledger, its name, and who tells of it."""

    spool: Spool
    state: State
    ledger: Ledger
    registration: Registration
    exposition: Exposition


def run(settings: CollectorSettings, stop: Stop, *, once: bool = False) -> None:
    """Follow the logs until asked to stop, or, with ``once``, until all is read and applied.

    On a stop, what was read is in the spool; the next start sends it.
    """
    health = Health()
    with ExitStack() as stack:
        exposition = stack.enter_context(
            observed(settings.health_address, settings.service, health)
        )
        spool = stack.enter_context(Spool.open(settings.state_dir, host_mark(settings.host)))
        keep_code_in(settings.state_dir / "kernel")
        warm()
        # One for all, so that a failure of one connection ends the others' wait, too.
        state = connect_state(settings.resolved_state_url)
        ledger = Ledger(state, StateKeys())
        registration = _wait_for(stop, health, lambda: _register(settings, spool, ledger))
        if registration is not None:
            site = _Site(spool, state, ledger, registration, exposition)
            _work(settings, stop, health, site, once=once)


def check(settings: CollectorSettings) -> Iterator[str]:
    """A sentence for each thing that does not work."""
    yield from unreachable(settings.broker_url, settings.resolved_state_url)
    if not Tailer(settings.logs).paths():
        yield f"MAILTALLY_LOGS: no file matches {', '.join(settings.logs)}."


def _register(settings: CollectorSettings, spool: Spool, ledger: Ledger) -> Registration:
    """Register, and on a fresh state directory take over where its predecessor was."""
    known = int(spool.get_meta(_EPOCH) or 0)
    registration = ledger.register(settings.host, spool.collector_id, known)
    crash_point(CrashAt.REGISTERED)
    if not known:
        inherited = ledger.inherited(spool.collector_id)
        if inherited is not None:
            progress = resume(inherited)
            spool.save_positions(progress.positions)
            spool.set_meta(_SKIP, Progress(skip=progress.skip).to_json())
            event(
                _log,
                logging.WARNING,
                "host-taken-over",
                f"Took over {settings.host} from a lost state directory, at its last positions.",
                host=settings.host,
            )
        spool.set_meta(_EPOCH, str(registration.epoch))
    return registration


def _work(
    settings: CollectorSettings,
    stop: Stop,
    health: Health,
    site: _Site,
    *,
    once: bool,
) -> None:
    with ExitStack() as stack:
        tailer = _tailer(settings, site.spool)
        stack.callback(tailer.close)
        reading = _reading(settings, site, tailer, stack)
        if not site.spool.known():
            tailer.scan(time.time())
            reading.learn_what_is_behind()
        shipper = _shipper(settings, site, reading)
        shipping = _Shipping(shipper, stop, health)
        follower = Follower(
            tailer=tailer,
            reading=reading,
            watcher=stack.enter_context(Watcher(settings.logs, stop)),
            stop=stop,
            health=health,
            rescan=settings.rescan,
            spooled=shipping.wake,
        )
        shipping.applied = follower.applied
        site.exposition.add(CollectorMetrics(settings, site.spool, shipper, follower, reading))
        if not once:
            stack.enter_context(rotating(settings, site.spool, stop))
        shipping.start()
        try:
            if once:
                follower.run_to_end(
                    all_applied=lambda: site.spool.unapplied_count() == 0,
                    end_known=lambda: shipper.watermark_told == END_OF_TIME,
                )
            else:
                follower.run()
        finally:
            stop.request()
            shipping.wake()
            shipping.join()
    if shipping.error is not None:
        raise shipping.error


def _tailer(settings: CollectorSettings, spool: Spool) -> Tailer:
    return Tailer(
        settings.logs,
        start=settings.start,
        chunk_size=settings.chunk_size,
        rotate_wait=settings.rotate_wait,
        forget_after=settings.forget_after,
        max_open_files=settings.max_open_files,
        positions=spool.positions(),
        skip=Progress.from_json(spool.get_meta(_SKIP) or "").skip,
        also_counted=True,
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


def _shipper(settings: CollectorSettings, site: _Site, reading: Reading) -> Shipper:
    patience = Patience(first=settings.resend_first, longest=settings.resend_longest)
    return Shipper(
        spool=site.spool,
        ledger=site.ledger,
        publisher=Publisher(settings.broker_url, site.state),
        window=Window(patience, random.Random()),  # noqa: S311 - jitter is no secret
        registration=site.registration,
        read_up_to=lambda: reading.read_up_to,
        limits=ShipLimits(
            window=settings.window,
            queue=settings.queue,
            heartbeat=settings.heartbeat,
            keep_applied=settings.spool.keep_applied,
            keep_bytes=settings.spool.keep_bytes,
        ),
    )


class _Shipping(threading.Thread):
    """The shipping loop; when it fails for good, the process stops with its error."""

    def __init__(self, shipper: Shipper, stop: Stop, health: Health) -> None:
        super().__init__(name="shipper")
        self._shipper = shipper
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
            pause = self._shipper.turn(time.time())
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
