"""Finds the state of a site: the configured server, or the data directory's own."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING
from urllib.parse import quote

from mailtally.embedded_redis import EmbeddedRedis
from mailtally_shared.errors import Refused, Unavailable
from mailtally_shared.state.client import State, connect_state, unavailable_errors
from mailtally_shared.state.keys import FORMAT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mailtally.settings import ConsoleSettings
    from mailtally_shared.state.keys import StateKeys

_TIMEOUT = 5.0  # seconds


class Asleep(Unavailable):
    """The site's own Redis is not running: nothing is counted at the moment."""


@contextmanager
def open_state(settings: ConsoleSettings, *, wake: bool = False) -> Iterator[State]:
    """A client of the site's state; the server is there when this returns.

    Args:
        settings: where to look.
        wake: a Redis that sleeps in the data directory is started for as long
            as this lasts.

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


def check_format(state: State, keys: StateKeys) -> bool:
    """Whether the state was ever opened.

    Raises:
        Refused: another version of mailtally wrote it.
    """
    with unavailable_errors():
        found = state.get(keys.format)
    if found is None or found == FORMAT.encode("ascii"):
        return found is not None
    raise Refused(
        f"The state in Redis has format {found!r} and this version reads {FORMAT!r} only: "
        "use the mailtally that wrote it."
    )


def _url_in(data_dir: Path, held: ExitStack, *, wake: bool) -> str:
    url = _running(data_dir)
    if url is not None:
        return url
    if not (data_dir / "redis").is_dir():
        raise Unavailable(f"No Redis is set (MAILTALLY_STATE_URL), and {data_dir} has none.")
    if not wake:
        raise Asleep(f"The Redis in {data_dir} is not running; 'mailtally up' starts it.")
    return held.enter_context(EmbeddedRedis(data_dir)).state_url


def _running(data_dir: Path) -> str | None:
    """The URL of the data directory's own server, if one answers there."""
    home = data_dir.absolute() / "redis"
    # The second is where a path too long for a socket made it go.
    for directory in (home, (home / "socket").resolve()):
        socket = directory / "redis.sock"
        if socket.is_socket():
            url = f"unix://{quote(str(socket))}?db=0"
            if _answers(url):
                return url
    return None


def _answers(url: str) -> bool:
    """A socket may have outlived its server."""
    try:
        with unavailable_errors(), connect_state(url, _TIMEOUT) as state:
            return bool(state.ping())
    except Unavailable:
        return False
