"""Counts what is logged, by event: names come from our own code, so there are few."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from typing import TYPE_CHECKING

from mailtally_shared.process.metrics.catalogue.every import LOG_EVENTS

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from mailtally_shared.process.metrics.metric import Sample


class EventsCounted(logging.Handler):
    """Beside the handler that writes the lines; between ``__enter__`` and ``__exit__``."""

    def __init__(self) -> None:
        super().__init__()
        self._counts: Counter[tuple[str, str]] = Counter()
        self._counting = threading.Lock()

    def emit(self, record: logging.LogRecord) -> None:
        """Count a line, if it is an event."""
        name = getattr(record, "event", None)
        if isinstance(name, str):
            with self._counting:
                self._counts[name, record.levelname.lower()] += 1

    def samples(self) -> list[Sample]:
        """What was counted so far."""
        with self._counting:
            return [LOG_EVENTS.at(count, *labels) for labels, count in self._counts.items()]

    def __enter__(self) -> Self:
        logging.getLogger().addHandler(self)
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        logging.getLogger().removeHandler(self)
