"""The day writer's lease: one aggregator at a time writes days.

The lease expires by itself, so a writer may lose it without noticing. Its token
fences it: every step on the state asks for the token again, and the files'
revisions come from the state, so that an overtaken writer cannot put an older
file over a newer one (``mailtally_shared.day_files.placing`` looks at the
revision in place under the directory's lock). A token is random: a number that Redis
counts would be given out twice where Redis goes back, and two writers would hold the lease.

It is renewed when a third of it is over, at the multiples of that third: where these are multiples
of the collectors' heartbeats as well, Redis writes both to its disk at once.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, NewType

import msgpack

from mailtally_aggregator.scripts import declared_keys, source, state_emptied
from mailtally_shared.process.clock import Clock
from mailtally_shared.state.client import State, unavailable_errors

if TYPE_CHECKING:
    from mailtally_shared.state.keys import StateKeys

_EMPTY = b"empty"
#: The token of a lease that was held when it was asked for.
Fence = NewType("Fence", str)


class Lease:
    """A claim to be the day writer, held for ``seconds`` from each ``hold``."""

    def __init__(
        self, state: State, keys: StateKeys, seconds: float, clock: Clock | None = None
    ) -> None:
        self._state = state
        self._keys = keys
        self._now = (clock or Clock()).steady
        self._milliseconds = int(seconds * 1000)
        self._token = ""
        self._third = seconds / 3
        self._renewed = 0.0  # in which of these thirds, since 1970, by steady time
        self._script = state.register_script(source("writer_steps.lua"))

    @property
    def is_held(self) -> bool:
        """Whether it is held, as far as is known here; safe to ask from another thread."""
        return bool(self._token)

    def hold(self) -> bool:
        """Take or renew the lease; false while another one holds it.

        Raises:
            Refused: the state was emptied. Nobody else may notice: collectors wait
                until somebody has opened it again.
        """
        third = self._now() // self._third
        answer = self._claim(self._milliseconds, due=third != self._renewed)
        if answer == _EMPTY:
            raise state_emptied()
        self._token = answer.decode("ascii") if answer else ""
        self._renewed = third
        return self.is_held

    @property
    def fence(self) -> Fence:
        """Return the token by which another script may ask whether the lease is still held."""
        return Fence(self._token)

    def step(self, name: str, **request: object) -> str | None:
        """Take a step of writer_steps.lua; ``None`` when it was refused."""
        answer = self._run(name, **request)
        return answer.decode("ascii") if answer else None

    def release(self) -> None:
        """Give the lease up so that another one need not wait for its end."""
        if self._token:
            self._claim(1, due=True)
            self._token = ""

    def _claim(self, milliseconds: int, *, due: bool) -> bytes | None:
        keys = self._keys
        return self._run(
            "lease",
            format=keys.format,
            claim=secrets.token_hex(8),
            milliseconds=milliseconds,
            due=due,
        )

    def _run(self, step: str, **request: object) -> bytes | None:
        whole: dict[str, Any] = {
            "step": step,
            "lease": self._keys.writer_lease,
            "token": self._token,
            **request,
        }
        whole_keys = declared_keys(whole, self._keys.tag)
        with unavailable_errors():
            answer: bytes | None = self._script(keys=whole_keys, args=[msgpack.packb(whole)])
        return answer
