"""A network between services and Redis that can be cut, go silent, be slow, or lose an answer."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from pathlib import Path
    from types import TracebackType
    from typing import Any, Self

_CHUNK = 65_536


class Network(Enum):
    """What the network does."""

    OPEN = "open"
    CUT = "cut"  # connections are reset, new ones too
    SILENT = "silent"  # connections that exist, or begin now, never carry a byte again
    HELD = "held"  # bytes wait until it is open again


@dataclass(eq=False, slots=True)
class _Link:
    """One connection through the proxy, and its two ends."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    is_dead: bool = False


class Proxy:
    """Listens on a local port and hands everything on to a unix socket. Runs in a thread."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._links: set[_Link] = set()
        self._state = Network.OPEN
        self._loses_answer = False
        self._open = asyncio.Event()
        self._open.set()
        self.port = 0

    def become(self, state: Network) -> None:
        """Change the network; back in ``OPEN``, connections that went silent stay so."""
        self._run(self._become(state))

    def lose_an_answer(self) -> None:
        """Let the next request through and reset its connection instead of answering."""
        self._run(self._lose())

    def __enter__(self) -> Self:
        self._thread.start()
        self._run(self._listen())
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, action: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(action, self._loop).result(10)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _become(self, state: Network) -> None:
        self._state = state
        self._loses_answer = False
        if state is Network.HELD:
            self._open.clear()
        else:
            self._open.set()
        for link in list(self._links):
            if state is Network.CUT:
                _reset(link)
            link.is_dead |= state is Network.SILENT

    async def _lose(self) -> None:
        self._loses_answer = True

    async def _close(self) -> None:
        self._server.close()
        await self._become(Network.CUT)
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if self._state is Network.CUT:
                raise ConnectionError("the network is cut")
            upstream, downstream = await asyncio.open_unix_connection(str(self._target))
        except OSError:
            writer.transport.abort()
            return
        link = _Link(writer, downstream, is_dead=self._state is Network.SILENT)
        self._links.add(link)
        try:
            with suppress(asyncio.CancelledError):  # it is closed
                await asyncio.gather(
                    self._pump(reader, downstream, link),
                    self._pump(upstream, writer, link, back=True),
                )
        finally:
            self._links.discard(link)

    async def _pump(
        self,
        source: asyncio.StreamReader,
        target: asyncio.StreamWriter,
        link: _Link,
        *,
        back: bool = False,
    ) -> None:
        with suppress(OSError):
            while data := await source.read(_CHUNK):
                await self._open.wait()
                if back and self._loses_answer and not link.is_dead:
                    self._loses_answer = False
                    break
                if not link.is_dead:
                    target.write(data)
                    await target.drain()
        # Of a dead connection one end's going is not told to the other.
        if not (link.is_dead and back):
            _reset(link)


def _reset(link: _Link) -> None:
    link.client.transport.abort()
    link.server.transport.abort()
