"""The aggregator at work: one loop takes batches in, another writes days."""

from __future__ import annotations

import logging
import socket
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailtally_aggregator.charged_statuses import warn_of_unmatched
from mailtally_aggregator.clock_watch import ClockWatch
from mailtally_aggregator.commit import Committer
from mailtally_aggregator.day_writer import DayWriter
from mailtally_aggregator.held_turn import HeldTurn
from mailtally_aggregator.hosted_file import HostedFile
from mailtally_aggregator.hosted_known import HostedNote
from mailtally_aggregator.intake import Intake
from mailtally_aggregator.lease import Lease
from mailtally_aggregator.memory import Memory
from mailtally_aggregator.metrics import ClusterMetrics, only_while
from mailtally_aggregator.opening import SNAPSHOTS, open_state
from mailtally_aggregator.quarantine import Quarantine
from mailtally_aggregator.receive import Receiver
from mailtally_aggregator.snapshot import snapshots, take_snapshot
from mailtally_aggregator.statistic_dir import directory_errors
from mailtally_aggregator.sweep import sweep
from mailtally_aggregator.tally import Tally
from mailtally_aggregator.totals import Totals
from mailtally_shared.calendar import Calendar
from mailtally_shared.errors import MailtallyError, Unavailable
from mailtally_shared.process.backoff import Backoff, keep_trying
from mailtally_shared.process.clock import Clock
from mailtally_shared.process.health import Health
from mailtally_shared.process.logs import event
from mailtally_shared.process.metrics import observed
from mailtally_shared.process.metrics.catalogue.aggregator import DAY_WRITER
from mailtally_shared.process.reachable import unreachable
from mailtally_shared.process.writable import unwritable
from mailtally_shared.state.client import State, connect_state
from mailtally_shared.state.keys import StateKeys
from mailtally_shared.state.policy import adopt_policy, check_policy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mailtally_aggregator.settings import AggregatorSettings
    from mailtally_shared.process.lifecycle import Stop
    from mailtally_shared.process.metrics import Exposition

_log = logging.getLogger(__name__)
#: Seconds that Redis may take to begin its answer when a whole day, or all of it, is read.
_PATIENCE = 15.0
#: Seconds that it may take where somebody waits to be told of it.
_IMPATIENCE = 2.0
#: Seconds that the day writer may take to finish what it has in hand at a stop.
_GRACE = 3.0


def run(settings: AggregatorSettings, stop: Stop, *, accept_empty_state: bool = False) -> None:
    """Work until asked to stop; what is in hand then is committed or left to be sent again."""
    keys, health, clock = StateKeys(), Health(), Clock()
    state = connect_state(settings.resolved_state_url)
    hosted = HostedFile(settings.hosted_domains)
    hosted.current()
    tally = Tally()
    with observed(settings.health_address, settings.service, health) as exposition:
        _persist(
            stop,
            health,
            lambda: open_state(
                state, keys, settings.statistic_dir, accept_empty=accept_empty_state
            ),
        )
        _persist(
            stop,
            health,
            lambda: adopt_policy(state, keys, settings.timezone, settings.charging),
        )
        _persist(stop, health, lambda: warn_of_unmatched(state, keys, settings.charging))
        patient = connect_state(settings.resolved_state_url, timeout=_PATIENCE)
        # A client for each thread: after an error the intake disconnects its own, whoever uses it.
        of_lease = connect_state(settings.resolved_state_url)
        lease = Lease(of_lease, keys, settings.writer_lease, clock)
        exposition.add(tally.samples)
        _expose_cluster(exposition, settings, health, lease, clock)
        writing = _Background(
            lambda: _write_days(settings, stop, lease, patient, clock, hosted=hosted), stop
        )
        writing.start()
        try:
            _take_in(settings, state, hosted, stop, health, clock=clock, tally=tally)
        finally:
            stop.request()
            writing.join(_GRACE)
            writing.abandon()
            # Whatever it still waits for does not come: that ends the wait.
            patient.connection_pool.disconnect()
            writing.join()
    if writing.error is not None:
        raise writing.error


def check(settings: AggregatorSettings) -> Iterator[str]:
    """A sentence for each thing that does not work."""
    yield from unreachable(settings.broker_url, settings.resolved_state_url)
    try:
        HostedFile(settings.hosted_domains).current()
    except (MailtallyError, OSError) as error:
        yield str(error)
    yield from unwritable("MAILTALLY_STATISTIC_DIR", settings.statistic_dir)


def _expose_cluster(
    exposition: Exposition,
    settings: AggregatorSettings,
    health: Health,
    lease: Lease,
    clock: Clock,
) -> None:
    """Serve the cluster's figures as long as this one is the day writer.

    Not while servers are away: who asks would wait for them, and take this one for dead.
    """
    calendar = Calendar(settings.zone)
    exposition.add(lambda: [DAY_WRITER.at(lease.is_held)])
    state = connect_state(settings.resolved_state_url, timeout=_IMPATIENCE)
    for source in ClusterMetrics(settings, state, StateKeys(), calendar, clock).sources():
        exposition.add(only_while(lambda: lease.is_held and health.ready().ok, source))


def _take_in(
    settings: AggregatorSettings,
    state: State,
    hosted: HostedFile,
    stop: Stop,
    health: Health,
    *,
    clock: Clock,
    tally: Tally,
) -> None:
    keys = StateKeys()
    receiver = Receiver(settings.broker_url, prefetch=settings.group_batches)
    intake = Intake(
        receiver=receiver,
        state=state,
        keys=keys,
        committer=Committer(state, keys, Calendar(settings.zone), caps=settings.caps),
        quarantine=Quarantine(state, keys, settings.quarantine),
        hosted=hosted,
        limits=settings.group,
        tally=tally,
    )

    def turn() -> int:
        try:
            return intake.turn(clock.wall())
        except Unavailable:
            intake.reset()
            raise

    while not stop.requested:
        _persist(stop, health, turn)
    receiver.reset()


def _write_days(
    settings: AggregatorSettings,
    stop: Stop,
    lease: Lease,
    patient: State,
    clock: Clock,
    *,
    hosted: HostedFile,
) -> None:
    """The loop of the day writer: whoever holds the lease writes; the others wait for it.

    ``patient`` is for whole days and snapshots, which may take long.
    """
    keys, calendar = StateKeys(), Calendar(settings.zone)
    writer = _day_writer(settings, lease, patient, clock)
    memory = Memory(patient, keys, calendar, settings.statistic_dir)
    saver = _Saver(settings, patient, keys)
    note = HostedNote(patient, keys, socket.gethostname())

    def tick() -> None:
        check_policy(patient, keys, settings.timezone, settings.charging)
        note.note(hosted.current(), clock.wall())
        sweep(patient, keys)
        if writer.tick(clock.wall()):
            saver.tick(clock.wall())
            with directory_errors(settings.statistic_dir):
                memory.look(clock.wall())

    while not stop.wait(settings.writer_interval):
        _persist(stop, Health(), tick)
    try:
        lease.release()
    except Unavailable:
        _log.debug("the lease was not released; it expires by itself")


def _day_writer(
    settings: AggregatorSettings, lease: Lease, patient: State, clock: Clock
) -> DayWriter:
    keys, calendar = StateKeys(), Calendar(settings.zone)
    return DayWriter(
        totals=Totals(patient, keys),
        lease=lease,
        keys=keys,
        calendar=calendar,
        directory=settings.statistic_dir,
        policy=settings.writer,
        clocks=ClockWatch(patient, keys, clock, settings.clock_settle),
        held=HeldTurn(
            state=patient,
            keys=keys,
            committer=Committer(patient, keys, calendar, caps=settings.caps),
            calendar=calendar,
            lease=lease,
            slack=settings.future_slack,
        ),
    )


@dataclass(slots=True)
class _Saver:
    """Takes a snapshot whenever the newest one is old."""

    settings: AggregatorSettings
    state: State
    keys: StateKeys

    def tick(self, now: float) -> None:
        directory = self.settings.statistic_dir / SNAPSHOTS
        with directory_errors(directory):
            newest = next((path.stat().st_mtime for path in snapshots(directory)), 0.0)
            # A clock that was set back must not put snapshots off.
            if not 0 <= now - newest < self.settings.snapshot_interval:
                take_snapshot(self.state, self.keys, directory, now)


def _persist(stop: Stop, health: Health, action: Callable[[], object]) -> None:
    """Do one thing, waiting for the servers it needs; says so while it waits."""

    def tell(error: Unavailable, pause: float) -> None:
        health.beat()
        health.set_not_ready(str(error))
        event(_log, logging.WARNING, "waiting", f"{error} Trying again.", seconds=round(pause, 2))

    keep_trying(action, stop=stop, backoff=Backoff(cap=2.0), tell=tell)
    health.beat()
    health.set_ready()


class _Background(threading.Thread):
    """A loop beside the main one; when it fails, the process stops with its error."""

    def __init__(self, work: Callable[[], None], stop: Stop) -> None:
        super().__init__(name="day-writer")
        self._work = work
        self._stop_request = stop
        self.error: Exception | None = None
        self._is_abandoned = False

    def abandon(self) -> None:
        """Ignore how it ends from now on: its connections are about to be cut."""
        self._is_abandoned = True

    def run(self) -> None:
        try:
            self._work()
        except Exception as error:  # noqa: BLE001 - raised again by the main thread
            if self._is_abandoned:
                _log.debug("the day writer was cut off: %s", error)
                return
            self.error = error
            self._stop_request.request()
