"""Whether the servers that a service needs are there: for its ``check``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailtally_shared.errors import MailtallyError
from mailtally_shared.queue import broker_errors, connect_broker
from mailtally_shared.state.client import connect_state, unavailable_errors

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Seconds that a server may take to answer.
_PATIENCE = 5


def unreachable(broker_url: str, state_url: str) -> Iterator[str]:
    """A sentence for each of broker and state that does not answer, with its setting."""
    connection = connect_broker(broker_url)
    try:
        with broker_errors(connection):
            connection.ensure_connection(max_retries=1, timeout=_PATIENCE)
            connection.release()
    except MailtallyError as error:
        yield f"MAILTALLY_BROKER_URL: {error}"
    try:
        with unavailable_errors():
            connect_state(state_url, timeout=_PATIENCE).ping()
    except MailtallyError as error:
        yield f"MAILTALLY_STATE_URL: {error}"
