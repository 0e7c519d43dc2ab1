"""The page of metrics of a process, in Prometheus's format."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from mailtally_shared import __version__
from mailtally_shared.errors import MailtallyError
from mailtally_shared.runtime.metrics import every
from mailtally_shared.runtime.metrics.every import LOG_EVENTS
from mailtally_shared.runtime.metrics.metric import Sample

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Self

    from mailtally_shared.runtime.health import Health
    from mailtally_shared.runtime.metrics.metric import Sample, Source


class EventsCounted(logging.Handler):
    """A log handler that counts events by name; between ``__enter__`` and ``__exit__``.

    Names come from the product's own code, so there are few.
    """

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
        """Return the counts so far."""
        with self._counting:
            return [LOG_EVENTS.at(count, *labels) for labels, count in self._counts.items()]

    def __enter__(self) -> Self:
        logging.getLogger().addHandler(self)
        return self

    def __exit__(self, *_error: object) -> None:
        logging.getLogger().removeHandler(self)


#: Seconds for which an answer is repeated: frequent requests must not burden the servers.
_FRESH = 1.0
#: Seconds after which no further source is read: where one server hangs, the page still has the
#: figures of the others, and is served before the probe takes the process for dead.
_LONGEST = 4.0


class Exposition:
    """The metrics of one process.

    A source that fails (its server is away) is left out and counted; the others are served.

    Args:
        service: the service's name.
        health: the source of its readiness.
        clock: seconds that never decrease.
    """

    def __init__(
        self, service: str, health: Health, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._service = service
        self._health = health
        self._clock = clock
        self._sources: list[Source] = []
        self._lock = threading.Lock()
        self._answer, self._answered_at = "", float("-inf")

    def add(self, source: Source) -> None:
        """Add a source. It is called in other threads than the service's."""
        self._sources.append(source)

    def text(self) -> str:
        """Return the page in Prometheus's text format."""
        # Imported by processes that serve a page, when they do.
        from mailtally_shared.runtime.metrics.page import page  # noqa: PLC0415 - see above

        with self._lock:
            now = self._clock()
            if now - self._answered_at >= _FRESH:
                self._answer = page(self._samples())
                self._answered_at = now
            return self._answer

    def _samples(self) -> Iterator[Sample]:
        yield every.INFO.at(1, self._service, __version__)
        yield every.READY.at(self._health.ready().ok)
        began, missing = self._clock(), 0
        for source in self._sources:
            samples = None if self._clock() - began >= _LONGEST else _asked(source)
            missing += samples is None
            yield from samples or ()
        yield every.METRICS_MISSING.at(missing)


@contextmanager
def observed(address: tuple[str, int] | None, service: str, health: Health) -> Iterator[Exposition]:
    """Serve the health and the metrics of a process, if it has an address for them."""
    exposition = Exposition(service, health)
    with ExitStack() as stack:
        if address is not None:
            from mailtally_shared.runtime.health_server import HealthServer  # noqa: PLC0415 - as above

            events = stack.enter_context(EventsCounted())
            exposition.add(events.samples)
            stack.enter_context(HealthServer(address, health, exposition.text))
        yield exposition


def _asked(source: Source) -> list[Sample] | None:
    """Return the samples of a source; ``None`` if it fails, even after some of them."""
    try:
        return list(source())
    # ValueError: something else may have written what is no number into the state, for example.
    except (MailtallyError, OSError, ValueError):
        return None
