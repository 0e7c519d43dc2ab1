"""Which records are looked at. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mailtally_shared.columns import Array, Columns, Service


@dataclass(frozen=True, slots=True)
class Selection:
    """A record is selected when it passes all of these; an empty one lets all pass.

    ``domains`` are those charged, in their one spelling. ``since`` and ``until`` are Unix
    seconds, the latter exclusive.
    """

    services: frozenset[Service] = frozenset()
    domains: frozenset[str] = frozenset()
    statuses: frozenset[str] = frozenset()
    since: int | None = None
    until: int | None = None

    def rows(self, columns: Columns) -> Array | None:
        """Which records are selected, int64 indices; ``None`` for all of them."""
        passed = list(self._passed(columns))
        return np.flatnonzero(np.logical_and.reduce(passed)) if passed else None

    def _passed(self, columns: Columns) -> Iterable[Array]:
        """What each condition that there is says of each record."""
        if self.services:
            yield np.isin(columns.service, sorted(self.services))
        if self.domains:
            yield _named(columns.domain, columns.domains, self.domains)
        if self.statuses:
            yield _named(columns.status, columns.statuses, self.statuses)
        if self.since is not None:
            yield columns.time >= self.since
        if self.until is not None:
            yield columns.time < self.until


def _named(column: Array, names: tuple[str, ...], wanted: frozenset[str]) -> Array:
    is_wanted = np.array([name in wanted for name in names], bool)
    return is_wanted[column] if len(column) else np.zeros(0, bool)
