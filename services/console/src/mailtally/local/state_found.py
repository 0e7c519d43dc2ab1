"""Find the state of a site: the configured server, or that of the data directory."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING
from urllib.parse import quote

from mailtally.local.embedded_redis import EmbeddedRedis
from mailtally_shared.errors import Asleep, Unavailable
from mailtally_shared.state.client import State, connect_state, unavailable_errors

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mailtally.settings import ConsoleSettings

_TIMEOUT = 5.0  # seconds


@contextmanager
def open_state(settings: ConsoleSettings, *, wake: bool = False) -> Iterator[State]:
    """Open a client of the site's state; the server has answered when this returns.

    Args:
        settings: the configured server and the data directory.
        wake: whether to start a stopped Redis of the data directory for this context.

    Raises:
        Unavailable: there is no server, or it does not answer.
    """
    with ExitStack() as held:
        url = settings.configured_state_url
        if url is None:
            url = _url_in(settings.data_dir, held, wake=wake)
        state = held.enter_context(connect_state(url, _TIMEOUT))
        with unavailable_errors():
            state.ping()
        yield state


def _url_in(data_dir: Path, held: ExitStack, *, wake: bool) -> str:
    url = _running(data_dir)
    if url is not None:
        return url
    if not (data_dir / "redis").is_dir():
        raise Unavailable(f"No Redis is configured (MAILTALLY_STATE_URL), and {data_dir} has none.")
    if not wake:
        raise Asleep(f"The Redis in {data_dir} is not running; 'mailtally up' starts it.")
    return held.enter_context(EmbeddedRedis(data_dir)).state_url


def _running(data_dir: Path) -> str | None:
    """Return the URL of the data directory's server, or ``None`` if none answers."""
    home = data_dir.absolute() / "redis"
    # The second is used if the first path is too long for a socket.
    for directory in (home, (home / "socket").resolve()):
        socket = directory / "redis.sock"
        if socket.is_socket():
            url = f"unix://{quote(str(socket))}?db=0"
            if _answers(url):
                return url
    return None


def _answers(url: str) -> bool:
    """Return whether a server answers: a socket may outlive it."""
    try:
        with unavailable_errors(), connect_state(url, _TIMEOUT) as state:
            return bool(state.ping())
    except Unavailable:
        return False
