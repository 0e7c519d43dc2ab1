"""The aggregator's loops: one gathers batches, one commits them, one writes days."""

from __future__ import annotations

import logging
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailtally_aggregator.catalogue import DAY_WRITER
from mailtally_aggregator.days.charged_statuses import warn_of_unmatched
from mailtally_aggregator.days.clock_watch import ClockWatch
from mailtally_aggregator.days.day_writer import DayWriter
from mailtally_aggregator.days.held_turn import HeldTurn
from mailtally_aggregator.days.statistic_dir import directory_errors
from mailtally_aggregator.intake.bad_batches import BadBatches
from mailtally_aggregator.intake.committing import Committing
from mailtally_aggregator.intake.gathering import Gathering
from mailtally_aggregator.intake.handover import Handover
from mailtally_aggregator.intake.receive import Receiver
from mailtally_aggregator.intake.tally import Tally
from mailtally_aggregator.metrics import ClusterMetrics, only_while
from mailtally_aggregator.opening import SNAPSHOTS, open_state
from mailtally_shared.calendar import Calendar
from mailtally_shared.checks import unreachable, unwritable
from mailtally_shared.errors import MailtallyError, Unavailable
from mailtally_shared.runtime.clock import Clock
from mailtally_shared.runtime.health import Health
from mailtally_shared.runtime.logs import event
from mailtally_shared.runtime.metrics.exposition import observed
from mailtally_shared.runtime.supervisor import Loop, Supervisor
from mailtally_shared.state.client import State, connect_state, drop_idle
from mailtally_shared.state.commit.commit import Committer
from mailtally_shared.state.hosted_lists import HostedFile, HostedNote
from mailtally_shared.state.keys import StateKeys
from mailtally_shared.state.last_seen import Memory
from mailtally_shared.state.lease import Lease
from mailtally_shared.state.policy import adopt_policy, check_policy
from mailtally_shared.state.read.totals import Totals
from mailtally_shared.state.snapshot import GivenUp, snapshots, take_snapshot
from mailtally_shared.state.sweep import sweep
from mailtally_shared.state.uncounted.quarantine import Quarantine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mailtally_aggregator.settings import AggregatorSettings
    from mailtally_shared.runtime.lifecycle import Stop
    from mailtally_shared.runtime.metrics.exposition import Exposition

_log = logging.getLogger(__name__)
#: Timeout in seconds for Redis's answer when a whole day, or the whole state, is read.
_PATIENCE = 15.0
#: Timeout in seconds for the metrics page, whose client is waiting.
_IMPATIENCE = 2.0


def run(settings: AggregatorSettings, stop: Stop, *, accept_empty_state: bool = False) -> None:
    """Run until asked to stop; work in progress is then committed or left to be sent again."""
    keys, health, clock = StateKeys(), Health(), Clock()
    supervisor = Supervisor(stop, health)
    state = connect_state(settings.resolved_state_url)
    hosted = HostedFile(settings.hosted_domains)
    hosted.current()
    tally = Tally()

    def opened() -> None:
        open_state(state, keys, settings.statistic_dir, accept_empty=accept_empty_state)

    def adopted() -> None:
        adopt_policy(state, keys, settings.timezone, settings.charging, hours=settings.hours)

    with observed(settings.health_address, settings.service, health) as exposition:
        supervisor.insist(opened)
        supervisor.insist(adopted)
        supervisor.insist(lambda: warn_of_unmatched(state, keys, settings.charging))
        # A client for each thread: after an error the intake disconnects its own client.
        of_lease = connect_state(settings.resolved_state_url)
        lease = Lease(of_lease, keys, settings.writer_lease, clock)
        exposition.add(tally.samples)
        _expose_cluster(exposition, settings, health, lease, clock)
        with supervisor:
            supervisor.start(_writing(settings, lease, clock, hosted))
            gathering, committing = _intake(settings, state, hosted, clock, tally)
            supervisor.start(committing)
            supervisor.run(gathering)


def check(settings: AggregatorSettings) -> Iterator[str]:
    """Yield a sentence for each check that fails."""
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
    """Serve the cluster's metrics as long as this process is the day writer.

    They are left out while servers are away: a probe would wait, and take the process for dead.
    """
    calendar = Calendar(settings.zone)
    exposition.add(lambda: [DAY_WRITER.at(lease.is_held)])
    state = connect_state(settings.resolved_state_url, timeout=_IMPATIENCE)
    for source in ClusterMetrics(settings, state, StateKeys(), calendar, clock).sources():
        exposition.add(only_while(lambda: lease.is_held and health.ready().ok, source))


def _intake(
    settings: AggregatorSettings, state: State, hosted: HostedFile, clock: Clock, tally: Tally
) -> tuple[Loop, Loop]:
    """Return the loop that gathers groups of batches and, in a thread of its own, the other."""
    keys, handover = StateKeys(), Handover()
    of_commits = connect_state(settings.resolved_state_url)
    committer = _committer(settings, of_commits)
    gathering = Gathering(
        # A group is gathered while another one, not yet acknowledged, is committed.
        receiver=Receiver(settings.broker_url, prefetch=2 * settings.group_batches),
        state=state,
        keys=keys,
        committer=committer,
        bad=BadBatches(state, Quarantine(state, keys, settings.quarantine), tally),
        hosted=hosted,
        limits=settings.group,
        handover=handover,
        steady=clock.steady,
    )
    committing = Committing(
        state=of_commits,
        keys=keys,
        committer=committer,
        bad=BadBatches(of_commits, Quarantine(of_commits, keys, settings.quarantine), tally),
        handover=handover,
        tally=tally,
    )
    return (
        _gathering(gathering, clock, of_commits),
        _committing(committing, handover, clock, state),
    )


def _gathering(gathering: Gathering, clock: Clock, of_other: State) -> Loop:
    def turn() -> float:
        gathering.turn(clock.wall())
        return 0.0

    def last() -> None:
        gathering.last(clock.wall())

    def reset() -> None:
        gathering.reset()
        drop_idle(of_other)

    # At a stop the connection is not closed in order: kombu would wait for a message, and lose it.
    return Loop("intake", turn, reset=reset, last=last)


def _committing(committing: Committing, handover: Handover, clock: Clock, of_other: State) -> Loop:
    def turn() -> float:
        committing.turn(clock.wall())
        return 0.0

    def last() -> None:
        committing.last(clock.wall())

    def reset() -> None:
        committing.reset()
        drop_idle(of_other)

    return Loop("committer", turn, reset=reset, wake=handover.close, last=last)


def _committer(settings: AggregatorSettings, state: State) -> Committer:
    return Committer(
        state, StateKeys(), Calendar(settings.zone), caps=settings.caps, hours=settings.hours
    )


def _writing(settings: AggregatorSettings, lease: Lease, clock: Clock, hosted: HostedFile) -> Loop:
    """Return the loop of the day writer: the process with the lease writes, others wait for it."""
    keys, calendar = StateKeys(), Calendar(settings.zone)
    # Whole days and snapshots may take long.
    patient = connect_state(settings.resolved_state_url, timeout=_PATIENCE)
    writer = _day_writer(settings, lease, patient, clock)
    memory = Memory(patient, keys, calendar, settings.statistic_dir)
    saver = _Saver(settings, patient, keys, lease)
    note = HostedNote(patient, keys, socket.gethostname())

    def turn() -> float:
        check_policy(patient, keys, settings.timezone, settings.charging, hours=settings.hours)
        note.note(hosted.current(), clock.wall())
        sweep(patient, keys)
        if writer.tick(clock.wall()):
            saver.tick(clock.wall())
            with directory_errors(settings.statistic_dir):
                memory.look(clock.wall())
        return settings.writer_interval

    def release() -> None:
        try:
            lease.release()
        except Unavailable:
            _log.debug("the lease was not released; it expires on its own")

    # What the thread still waits for at a stop will not come: disconnecting ends the wait.
    cut = patient.connection_pool.disconnect
    return Loop("day-writer", turn, last=release, cut=cut, is_vital=False)


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
            committer=_committer(settings, patient),
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
    lease: Lease

    def tick(self, now: float) -> None:
        directory = self.settings.statistic_dir / SNAPSHOTS
        with directory_errors(directory):
            newest = next((path.stat().st_mtime for path in snapshots(directory)), 0.0)
            # A clock that was set back must not delay snapshots.
            if not 0 <= now - newest < self.settings.snapshot_interval:
                self._take(directory, now)

    def _take(self, directory: Path, now: float) -> None:
        try:
            take_snapshot(self.state, self.keys, directory, now, self.lease.hold)
        except GivenUp as why:
            sentence = f"A snapshot was given up and is tried again: {why}."
            event(_log, logging.WARNING, "snapshot-given-up", sentence)
