"""Upgrading a database to this version's schema."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from alembic.util import CommandError

from mailtally_shared.billing.engine import take_lock, writing
from mailtally_shared.errors import Refused

if TYPE_CHECKING:
    from sqlalchemy import Engine

MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = 0  # no day has this ordinal


def upgrade(engine: Engine) -> None:
    """Create or change the tables, in one transaction; any number of processes may call it at once.

    Raises:
        Unavailable: the database cannot be used at the moment.
        Refused: the database was made by a newer version.
    """
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    with writing(engine) as connection:
        take_lock(connection, _LOCK)
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise Refused(
                f"the database cannot be upgraded to this version ({error}); "
                "if a newer mailtally created it, run that version"
            ) from error
