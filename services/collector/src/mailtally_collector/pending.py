"""A batch that waits in the spool."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mailtally_collector.state_db import StateDb


@dataclass(frozen=True, slots=True)
class Pending:
    """A batch that is not applied. What it holds is read from disk each time it is asked for."""

    seq: int
    created: float
    _db: StateDb

    @property
    def header(self) -> str:
        """The announcement, as JSON."""
        return str(self._db.rows("SELECT header FROM batches WHERE seq = ?", self.seq)[0][0])

    @property
    def payload(self) -> bytes:
        """The encoded records."""
        return bytes(self._db.rows("SELECT payload FROM batches WHERE seq = ?", self.seq)[0][0])
