"""The thread in which logs are rotated: neither a command nor a compression holds up reading."""

from __future__ import annotations

import logging
import threading
from contextlib import nullcontext
from typing import TYPE_CHECKING

from mailtally_collector.rotation.rotator import Rotator
from mailtally_collector.tail.discover import Discovery
from mailtally_shared.errors import Unavailable
from mailtally_shared.process.logs import event

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from types import TracebackType
    from typing import Self

    from mailtally_collector.settings import CollectorSettings
    from mailtally_collector.spool import Spool
    from mailtally_shared.process.clock import Clock
    from mailtally_shared.process.lifecycle import Stop

_log = logging.getLogger(__name__)


def rotating(
    settings: CollectorSettings, spool: Spool, clock: Clock, stop: Stop
) -> AbstractContextManager[object]:
    """Rotates logs while it is entered, as far as the settings ask for it.

    Leaving it asks everything to stop. What went wrong for good is raised then.
    """
    if not settings.rotation.is_on:
        return nullcontext()
    rotator = Rotator(settings.rotation, Discovery(settings.logs), spool, stop)
    return _Rotating(rotator, clock, settings.rescan, stop)


class _Rotating(threading.Thread):
    """Takes turns until the request to stop; asks for it when it fails for good."""

    def __init__(self, rotator: Rotator, clock: Clock, pause: float, stop: Stop) -> None:
        super().__init__(name="rotator")
        self._rotator = rotator
        #: Rotation is due by what the machine's clock shows.
        self._now = clock.wall
        self._between = pause
        self._stop_request = stop
        self._error: Exception | None = None

    def run(self) -> None:
        try:
            while not self._stop_request.requested:
                self._turn()
                self._stop_request.wait(self._between)
        except Exception as error:  # noqa: BLE001 - raised again by the main thread
            self._error = error
            self._stop_request.request()

    def _turn(self) -> None:
        try:
            self._rotator.turn(self._now())
        except Unavailable as error:
            sentence = f"{error} Trying again."
            event(_log, logging.WARNING, "waiting", sentence, seconds=self._between)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._stop_request.request()
        self.join()
        if self._error is not None and error is None:
            raise self._error
