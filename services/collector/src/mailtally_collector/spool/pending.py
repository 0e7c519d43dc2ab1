"""An unapplied batch in the spool."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mailtally_collector.spool.state_db import StateDb


@dataclass(frozen=True, slots=True)
class Pending:
    """A batch that is not applied. Its content is read from disk at each access."""

    seq: int
    created: float
    _db: StateDb

    @property
    def header(self) -> str:
        """Return the announcement, as JSON."""
        return str(self._db.rows("SELECT header FROM batches WHERE seq = ?", self.seq)[0][0])

    @property
    def payload(self) -> bytes:
        """Return the encoded records."""
        return bytes(self._db.rows("SELECT payload FROM batches WHERE seq = ?", self.seq)[0][0])
