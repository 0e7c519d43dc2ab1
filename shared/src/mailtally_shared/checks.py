"""Checks of a service's surroundings: can it write to a directory, does a server answer?"""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING

from mailtally_shared.errors import MailtallyError
from mailtally_shared.state.client import connect_state, unavailable_errors
from mailtally_shared.wire.queue import broker_errors, connect_broker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def unwritable(setting: str, directory: Path) -> Iterator[str]:
    """Yield a sentence if no file can be created in a directory, or where it would be created.

    The test file is unnamed or removed at once.
    """
    place = next(each for each in (directory, *directory.absolute().parents) if each.exists())
    try:
        with tempfile.TemporaryFile(dir=place) as file:
            file.write(b".")
            file.flush()
    except OSError as error:
        yield f"{setting}: {place} cannot be written to: {error.strerror}."


#: Seconds to wait for a server's answer.
_PATIENCE = 5


def unreachable(broker_url: str, state_url: str) -> Iterator[str]:
    """Yield a sentence for the broker and for the state if they do not answer, with the setting."""
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
