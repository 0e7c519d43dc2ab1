"""Hosted domains: the file with the list, and the list that each aggregator uses."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from pydantic import ValidationError

from mailtally_shared.audit.gathered import LIFE, Noted
from mailtally_shared.days.charging import HostedDomains, parse_hosted
from mailtally_shared.errors import SettingsError
from mailtally_shared.regular import read_text
from mailtally_shared.state.client import State, unavailable_errors
from mailtally_shared.state.untrusted import text

if TYPE_CHECKING:
    from pathlib import Path

    from mailtally_shared.state.keys import StateKeys


#: Size limit of a list, in bytes: two million names of a hundred letters.
_MOST: Final = 2**28


class HostedFile:
    """The list in a file, read again whenever the file changes."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self._domains: HostedDomains | None = None

    def current(self) -> HostedDomains | None:
        """Return the present list; ``None`` where the site has none.

        If a file that was read before cannot be read (it is being replaced, for example),
        the last list remains in force.

        Raises:
            SettingsError: the file could never be read.
        """
        if self._path is None:
            return None
        try:
            status = self._path.stat()
            seen = (status.st_mtime_ns, status.st_size, status.st_ino)
            if seen != self._seen:
                self._domains = parse_hosted(read_text(self._path, _MOST))
                self._seen = seen
        except (OSError, UnicodeError) as error:
            if self._domains is None:
                raise SettingsError(
                    f"MAILTALLY_HOSTED_DOMAINS: {self._path} cannot be read: {error}."
                ) from error
        return self._domains


#: Seconds between two records of the same list.
_PAUSE = 300.0


@dataclass(slots=True)
class HostedNote:
    """Records in the state the list of one machine's aggregators."""

    state: State
    keys: StateKeys
    machine: str
    _digest: str | None = None
    _noted_at: float = 0.0

    def note(self, domains: HostedDomains | None, now: float) -> None:
        """Record the list if it changed or the last record is old.

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
    """Return the last record of each machine; unreadable ones are left out."""
    with unavailable_errors():
        found = cast("dict[bytes, bytes]", state.hgetall(keys.hosted))
    noted = {}
    for machine, packed in sorted(found.items()):
        try:
            noted[text(machine)] = Noted.model_validate_json(packed)
        except ValidationError:
            continue
    return noted
