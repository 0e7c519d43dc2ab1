"""Copying the state while it changes, so that the copy shows one moment.

The order of what is handed out:

1. pieces of all keys that only scripts write, and between them the journal of what scripts
   wrote since the copy began;
2. at the cut, one transaction: the journal is closed, provided that no key changed since it
   was read that collectors and commands write without a script;
3. the rest of the journal, and those keys.
"""

from __future__ import annotations

import secrets
from collections import Counter
from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING, Any, cast

import msgpack
import redis

from mailtally_shared.errors import Unavailable
from mailtally_shared.runtime.clock import Clock
from mailtally_shared.runtime.crash_points import crash_point
from mailtally_shared.state.client import State, unavailable_errors
from mailtally_shared.state.scripts import source, state_emptied
from mailtally_shared.state.snapshot.crashes import CrashAt
from mailtally_shared.state.snapshot.pieces import Command, read_pieces

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mailtally_shared.state.keys import StateKeys

#: Bytes that the journal may have at once in Redis; more, and the snapshot is given up.
ROOM = 256 * 2**20
#: Bytes that are taken from the journal at once: more than a large commit writes, and a matter
#: of milliseconds.
_TAKEN = 32 * 2**20
#: Milliseconds after which Redis forgets a snapshot whose process is gone.
LIFE = 60_000
#: Seconds between two checks that the same server answers.
_BETWEEN_CHECKS = 1.0
#: Number of keys that are listed, and looked at, at once.
_KEYS = 200
#: Attempts at a cut between two changes by collectors and commands.
_ATTEMPTS = 20
#: A key that changed at so many attempts is copied as it was read last. It is one collector's,
#: and keeps no other's from being copied.
_RESTLESS = 3


class GivenUp(Exception):
    """A snapshot could not be finished; the next one is taken as if it had not been begun."""


def copy_state(
    state: State,
    keys: StateKeys,
    write: Callable[[bytes], None],
    may_go_on: Callable[[], bool],
) -> None:
    """Hand the packed commands of a snapshot to ``write``, in order.

    Raises:
        GivenUp: the journal was full, expired or another's; or Redis restarted.
        Refused: the state was emptied.
        Unavailable: Redis does not answer.
    """
    copy = _Copy(state, keys, write, may_go_on)
    with unavailable_errors():
        copy.begin()
        try:
            unrecorded = copy.copy_recorded()
            copy.cut(unrecorded)
        except BaseException:
            with suppress(redis.RedisError, Unavailable):
                copy.abandon()
            raise


class _Copy:
    def __init__(
        self,
        state: State,
        keys: StateKeys,
        write: Callable[[bytes], None],
        may_go_on: Callable[[], bool],
    ) -> None:
        self._state, self._keys, self._write = state, keys, write
        self._may_go_on = may_go_on
        self._token = secrets.token_hex(8)
        self._rest = keys.journal_rest(self._token)
        self._script = state.register_script(source("snapshot.lua"))
        self._server = b""
        self._steady = Clock().steady
        self._checked = self._steady()

    def begin(self) -> None:
        """Have scripts record what they write from now on."""
        self._server = self._run_id()
        if not self._step("begin", ROOM):
            raise state_emptied()
        crash_point(CrashAt.SNAPSHOT_BEGUN)

    def copy_recorded(self) -> set[bytes]:
        """Copy the keys that scripts write; return the others."""
        unrecorded: set[bytes] = set()
        for page in self._pages():
            others = {key for key in page if self._is_unrecorded(key)}
            unrecorded |= others
            for commands in read_pieces(self._state, [key for key in page if key not in others]):
                self._put(commands)
                self._take()
        return unrecorded

    def cut(self, unrecorded: set[bytes]) -> None:
        """End the journal at a moment at which the other keys are as they were read."""
        former: dict[bytes, list[Command]] = {}
        changes = Counter[bytes]()
        for _ in range(_ATTEMPTS):
            with self._state.pipeline(transaction=True) as watched:
                restless = {key for key, times in changes.items() if times >= _RESTLESS}
                found = self._watch(watched, unrecorded, restless)
                changes.update(key for key in found if key in former and former[key] != found[key])
                former = found
                with suppress(redis.WatchError):
                    self._finish(watched, list(chain.from_iterable(found.values())))
                    return
            self._take()
        raise GivenUp("collectors registered all the time")

    def abandon(self) -> None:
        """Have scripts record nothing any more."""
        self._step("abandon")
        self._state.unlink(self._rest)

    def _watch(
        self,
        watched: Any,  # noqa: ANN401 - redis-py's stub has no types
        unrecorded: set[bytes],
        restless: set[bytes],
    ) -> dict[bytes, list[Command]]:
        """Watch the keys that are written without scripts, and return what they hold."""
        sets = {key.encode("ascii") for key in (self._keys.hosts, self._keys.collectors)}
        if sets - restless:
            watched.watch(*sets - restless)
        found = sorted(unrecorded | self._named())
        if set(found) - restless:
            watched.watch(*set(found) - restless)
        commands: dict[bytes, list[Command]] = {key: [] for key in found}
        for first in range(0, len(found), _KEYS):
            for piece in read_pieces(self._state, found[first : first + _KEYS]):
                for command in piece:
                    commands[command[1]].append(command)
        return commands

    def _named(self) -> set[bytes]:
        """Return the keys of the collectors that are registered by now."""
        keys = self._keys
        members = cast("Any", self._state)
        hosts = [host.decode("ascii", "replace") for host in members.sscan_iter(keys.hosts)]
        ids = [each.decode("ascii", "replace") for each in members.sscan_iter(keys.collectors)]
        names = [*keys.unrecorded, *map(keys.registration, hosts)]
        names += [name(each) for name in (keys.said, keys.missing) for each in ids]
        return {name.encode() for name in names}

    def _finish(self, watched: Any, others: list[Command]) -> None:  # noqa: ANN401 - see _watch
        watched.multi()
        self._step("finish", client=watched)
        (length,) = watched.execute()
        if length is None:
            raise self._over()
        self._check()
        crash_point(CrashAt.SNAPSHOT_CUT)
        while length:
            entries = self._step("rest")
            if not entries or len(entries) > length:
                raise self._over()
            self._record(entries)
            length -= len(entries)
        self._state.unlink(self._rest)
        self._put(others)

    def _pages(self) -> Iterator[list[bytes]]:
        everything, payloads = self._keys.everything_lasting
        ignored = payloads.removesuffix("*").encode("ascii")
        cursor: int | None = None
        while cursor != 0:
            cursor, page = cast("Any", self._state).scan(cursor or 0, everything, _KEYS)
            yield [key for key in page if not key.startswith(ignored)]

    def _is_unrecorded(self, key: bytes) -> bool:
        prefixes = tuple(each.encode("ascii") for each in self._keys.unrecorded_prefixes)
        return key.startswith(prefixes) or key.decode("utf-8", "replace") in self._keys.unrecorded

    def _put(self, commands: list[Command]) -> None:
        for command in commands:
            self._write(msgpack.packb(command))

    def _take(self) -> None:
        """Append what the journal has, and make sure that it has everything."""
        entries = self._step("take")
        if entries is None:
            raise self._over()
        self._record(entries)
        if self._steady() - self._checked >= _BETWEEN_CHECKS:
            self._check()

    def _record(self, entries: list[bytes]) -> None:
        for entry in entries:
            self._write(entry)

    def _check(self) -> None:
        """Raise ``GivenUp`` where the copy has to end.

        Another server, or this one after a restart, has other cursors, and may lack what a piece
        has. A failover and another one back take longer than a check is away.
        """
        self._checked = self._steady()
        if not self._may_go_on():
            raise GivenUp("another day writer is at work")
        if self._run_id() != self._server:
            raise GivenUp("Redis restarted or failed over")

    def _run_id(self) -> bytes:
        return str(self._state.info("server").get("run_id", "")).encode("ascii")

    def _step(self, step: str, most: int = _TAKEN, client: Any = None) -> Any:  # noqa: ANN401 - what the script returns
        keys = self._keys
        names = [keys.format, keys.snapshot, keys.journal, self._rest]
        return self._script(keys=names, args=[step, self._token, LIFE, most], client=client)

    @staticmethod
    def _over() -> GivenUp:
        return GivenUp("what changed meanwhile had no room, or took too long, or Redis was emptied")
