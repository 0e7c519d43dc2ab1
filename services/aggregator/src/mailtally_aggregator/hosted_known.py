"""Which list of hosted domains each aggregator goes by, in the state: for doctor to compare.

An aggregator charges each batch that it takes by its own list. Where lists differ, a domain's bill
depends on which aggregator took its batches.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from pydantic import BaseModel, ConfigDict, ValidationError

from mailtally_aggregator.foreign import text
from mailtally_shared.state.client import State, unavailable_errors

if TYPE_CHECKING:
    from mailtally_aggregator.hosted import HostedDomains
    from mailtally_shared.state.keys import StateKeys

#: Seconds between two notes of the same list, and for which a note counts.
_PAUSE, LIFE = 300.0, 900.0


class Noted(BaseModel):
    """The list of an aggregator: ``digest`` is empty where it has none."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")

    digest: str
    names: int
    at: int


@dataclass(slots=True)
class HostedNote:
    """Leaves word of the list of one machine's aggregators."""

    state: State
    keys: StateKeys
    machine: str
    _digest: str | None = None
    _noted_at: float = 0.0

    def note(self, domains: HostedDomains | None, now: float) -> None:
        """Note the list, where it is another one, or the last note is old.

        Raises:
            Unavailable: Redis does not answer.
        """
        digest = domains.digest if domains else ""
        if digest == self._digest and 0 <= now - self._noted_at < _PAUSE:
            return
        found = {"digest": digest, "names": len(domains or ()), "at": int(now)}
        with unavailable_errors():
            for machine, noted in hosted_known(self.state, self.keys).items():
                if abs(now - noted.at) > LIFE:
                    self.state.hdel(self.keys.hosted, machine)
            self.state.hset(self.keys.hosted, self.machine, json.dumps(found))
        self._digest, self._noted_at = digest, now


def hosted_known(state: State, keys: StateKeys) -> dict[str, Noted]:
    """Return what was noted last, by machine; what cannot be read is left out."""
    with unavailable_errors():
        found = cast("dict[bytes, bytes]", state.hgetall(keys.hosted))
    noted = {}
    for machine, packed in sorted(found.items()):
        try:
            noted[text(machine)] = Noted.model_validate_json(packed)
        except ValidationError:
            continue
    return noted
