"""Register a start with the cluster and in the state directory, step by step.

The cost of a crash after each step of a start:

1. The intent (next epoch, fresh nonce) is in the directory: none; the next start notes another.
2. The registration is in Redis: none; the next start finds its own intent, and adopts it.
3. The predecessor's progress is in the directory: none; it is the same the next time.
4. The result is in the directory: none; the collector reads and ships from here on.
"""

from __future__ import annotations

import logging
import secrets
from typing import TYPE_CHECKING

from mailtally_collector.crash_at import CrashAt
from mailtally_collector.ship.claim import (
    Found,
    Incarnation,
    Standing,
    is_heard_again,
    next_epoch,
    stand,
)
from mailtally_collector.ship.ledger import Registration
from mailtally_collector.ship.same_batch import other_batches
from mailtally_collector.spool.progress import Progress, resume
from mailtally_shared.errors import Fenced, Refused, Unavailable
from mailtally_shared.runtime.crash_points import crash_point
from mailtally_shared.runtime.logs import event
from mailtally_shared.shown import one_line
from mailtally_shared.state.keys import host_mark

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailtally_collector.ship.claim import Owner, Remembered
    from mailtally_collector.ship.ledger import Ledger
    from mailtally_collector.spool.spool import Spool

_log = logging.getLogger(__name__)
SKIP = "skip"
#: Characters of another machine's name that an error repeats.
_LONGEST_NAME = 120
_WAY_OUT = (
    "Stop one of the two, or give it another host name (MAILTALLY_COLLECTOR__HOST) and a state "
    "directory of its own (MAILTALLY_STATE_DIR)."
)


class Registrar:
    """The registration of one state directory under one host name.

    ``now`` returns the Unix seconds at which a refused start is noted for ``doctor``.
    """

    def __init__(
        self, spool: Spool, ledger: Ledger, host: str, machine: str, now: Callable[[], float]
    ) -> None:
        self._spool = spool
        self._ledger = ledger
        self._host = host
        self._machine = machine
        self._now = now
        self._seen: Found | None = None  # the live owner, as last read

    def start(self) -> Registration:
        """Register this start.

        Raises:
            Unavailable: Redis does not answer, or it is not yet clear whether the owner of the
                name is alive: try again.
            Fenced: another collector is running under the name.
            Refused: the directory belongs to another host name.
        """
        known = self._spool.identity.remembered()
        if not known.collector_id.startswith(host_mark(self._host)):
            raise Refused(
                f"The state directory was made for another host name than {self._host!r}. Set "
                "MAILTALLY_COLLECTOR__HOST back, or give the new name an empty directory "
                "(MAILTALLY_STATE_DIR); with MAILTALLY_COLLECTOR__START=end it does not count "
                "again what the logs hold already."
            )
        found = self._look(known)
        standing = stand(found, known)
        if standing is Standing.AT_WORK:
            self._await_silence(found)
        self._seen = None
        if standing is Standing.OLD_COPY:
            self._start_over(known)
            return self.start()
        return self._register(found, known, standing)

    def renew(self) -> Registration:
        """Register again while running, because the state has another registration.

        Raises:
            Unavailable: see ``start``.
            Fenced: another collector has overtaken this one.
        """
        known = self._spool.identity.remembered()
        found = self._look(known)
        standing = stand(found, known)
        if standing is Standing.RESUMED and known.registered:
            return self._registration(known.collector_id, known.registered)
        if standing in (Standing.FIRST, Standing.WENT_BACK, Standing.ADOPTED):
            return self._register(found, known, standing)
        raise self._fenced(found.owner, "has taken over")

    def _look(self, known: Remembered) -> Found:
        found, applied = self._ledger.look(self._host, known.collector_id)
        others = other_batches(self._spool, self._ledger, known.collector_id, applied)
        return Found(found.owner, found.life, applied.newest, differs=bool(others))

    def _register(self, found: Found, known: Remembered, standing: Standing) -> Registration:
        if standing is Standing.ADOPTED and known.intent:
            self._finish(known, known.intent)
            known = self._spool.identity.remembered()
        intent = Incarnation(next_epoch(found, known), secrets.token_hex(16))
        self._spool.identity.note_intent(intent)
        crash_point(CrashAt.INTENT_NOTED)
        registration = self._registration(known.collector_id, intent)
        owner = found.owner
        before = owner.collector_id if owner else self._spool.identity.former_id
        predecessor = before if before != known.collector_id else None
        self._ledger.register(registration, owner, predecessor, self._machine)
        crash_point(CrashAt.REGISTERED)
        self._finish(known, intent)
        crash_point(CrashAt.START_NOTED)
        return registration

    def _finish(self, known: Remembered, incarnation: Incarnation) -> None:
        """Note the registration; in a new directory, first the predecessor's progress."""
        if known.registered is None:
            self._inherit(known.collector_id)
        self._spool.identity.note_registered(incarnation)

    def _inherit(self, collector_id: str) -> None:
        inherited = self._ledger.inherited(collector_id)
        own = self._spool.identity.former_progress()
        if inherited is None and not own.positions:
            return
        progress = resume(inherited, own)
        self._spool.save_positions(progress.positions)
        self._spool.set_meta(SKIP, Progress(skip=progress.skip).to_json())
        self._spool.identity.forget_former_progress()
        crash_point(CrashAt.INHERITED)
        sentence = f"Took over {self._host} from a lost state directory, at its last positions."
        event(_log, logging.WARNING, "host-taken-over", sentence, host=self._host)

    def _start_over(self, known: Remembered) -> None:
        dropped = self._not_applied(known.collector_id)
        event(
            _log,
            logging.WARNING,
            "old-state-directory",
            "The state directory is an old copy: the ledger has later batches of this host. It "
            f"gets a new identity; {len(dropped)} batches in it are dropped, and what is behind "
            "the ledger's positions is read again from the logs.",
            host=self._host,
            batches=len(dropped),
            last_seq=known.last_seq,
        )
        self._spool.start_over(host_mark(self._host), dropped)
        crash_point(CrashAt.STARTED_OVER)

    def _not_applied(self, collector_id: str) -> list[int]:
        """Return the numbers of the directory's batches that the ledger does not have.

        It may apply some of them before this start is registered; it then has their progress, too.
        """
        _, applied = self._ledger.look(self._host, collector_id)
        others = other_batches(self._spool, self._ledger, collector_id, applied)
        return sorted((self._spool.numbers_above(applied.hwm) - applied.ahead).union(others))

    def _await_silence(self, found: Found) -> None:
        """Wait until the owner's sign of life expires; raise if another one comes."""
        if is_heard_again(self._seen, found):
            raise self._fenced(found.owner, "is running")
        self._seen = found
        raise Unavailable(
            f"{self._name(found.owner)} was running under the host name {self._host!r} a moment "
            f"ago. If it stays silent, this collector takes over in {found.life:.0f} s."
        )

    def _fenced(self, owner: Owner | None, does: str) -> Fenced:
        self._ledger.note_rival(self._host, self._machine, self._now())
        return Fenced(
            f"Another collector, {self._name(owner)}, {does} under the host name {self._host!r}; "
            f"this one, {self._machine}, stops. {_WAY_OUT}"
        )

    @staticmethod
    def _name(owner: Owner | None) -> str:
        return one_line((owner and owner.machine) or "an unknown machine", _LONGEST_NAME)

    def _registration(self, collector_id: str, incarnation: Incarnation) -> Registration:
        return Registration(self._host, collector_id, incarnation.epoch, incarnation.nonce)
