"""An aggregator's intake, both halves in one thread: what is gathered is committed at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailtally_aggregator.intake.bad_batches import BadBatches
from mailtally_aggregator.intake.committing import Committing
from mailtally_aggregator.intake.gathering import Gathering
from mailtally_aggregator.intake.handover import Handover
from mailtally_aggregator.intake.tally import Tally
from mailtally_aggregator.policies import GroupLimits
from mailtally_shared.state.hosted_lists import HostedFile
from mailtally_shared.state.uncounted.quarantine import Quarantine, QuarantineLimits

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mailtally_aggregator.intake.receive import Receiver
    from mailtally_shared.state.client import State
    from mailtally_shared.state.commit.commit import Committer
    from mailtally_shared.state.keys import StateKeys


class Intake:
    """Both halves, which ``turn`` runs one after the other."""

    def __init__(
        self,
        *,
        receiver: Receiver,
        state: State,
        keys: StateKeys,
        committer: Committer,
        hosted: Path | None = None,
        limits: GroupLimits | None = None,
        steady: Callable[[], float] = float,  # no time passes
    ) -> None:
        self.tally, self.handover = Tally(), Handover()
        self.limits = limits or GroupLimits()
        bad = BadBatches(state, Quarantine(state, keys, QuarantineLimits()), self.tally)
        self.gathering = Gathering(
            receiver=receiver,
            state=state,
            keys=keys,
            committer=committer,
            bad=bad,
            hosted=HostedFile(hosted),
            limits=self.limits,
            handover=self.handover,
            steady=steady,
        )
        self.committing = Committing(
            state=state,
            keys=keys,
            committer=committer,
            bad=bad,
            handover=self.handover,
            tally=self.tally,
        )

    def turn(self, now: float) -> int:
        """Take some messages, and commit a group; return how many there were to do."""
        taken = self.gathering.turn(now)
        return taken + self.committing.turn(now, 0.0)

    def reset(self) -> None:
        self.gathering.reset()
