"""Failures of a database: wait, or refuse. Pure.

A condition that can be corrected at the database while this process runs is waited for: it is away,
starts, fails over, is read-only, full, locked, or refuses the login, the database, a table or a
right. A damaged file is refused: waiting does not repair it. Any other error is a value that the
database does not accept, which is the file's fault, or a bug.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

MIGRATE = "run 'mailtally-loader migrate' as the owner of the tables"
GRANT = f"{MIGRATE}, and deploy/postgres/roles.sql"

#: SQLSTATE, or the first two characters of it, of PostgreSQL.
_OF_POSTGRES = {
    "25006": "it is read-only at the moment (a standby, or set so)",
    "42501": f"the user lacks a right; {GRANT}",
    "42P01": f"a table is missing; {MIGRATE}",
    "3F000": f"the schema is missing; {MIGRATE}",
    "3D000": "there is no such database; create it",
    "28": "it refuses the login; check user and password in database_url",
    "53": "it is out of disk, memory or connections",
    "55P03": "a lock could not be taken in time",
    "40": "the transaction conflicted with another one and was rolled back",
    "57": "it is shutting down, starting, or ended the connection",
    "58": "its machine has a system error",
    "25": "the transaction was ended",
    "08": "the connection was lost",
    "0A000": "its tables were changed in the meantime",
}
_OF_MARIADB = {
    **dict.fromkeys((1290, 1792, 1836), "it is read-only at the moment (a replica, or set so)"),
    **dict.fromkeys((1045, 1698), "it refuses the login; check user and password"),
    **dict.fromkeys((1044, 1142, 1143, 1227, 1370), f"the user lacks a right; {MIGRATE}"),
    **dict.fromkeys((1205, 1213), "a lock could not be taken in time, or a deadlock was resolved"),
    **dict.fromkeys((1021, 1114, 28), "its disk is full"),
    **dict.fromkeys((1040, 1203, 1226), "it is out of connections"),
    **dict.fromkeys((1053, 1927, 3168), "it is shutting down, or ended the connection"),
    1049: "there is no such database; create it",
    1146: f"a table is missing; {MIGRATE}",
}
_OF_SQLITE = {
    "SQLITE_BUSY": "another process keeps it locked for too long",
    "SQLITE_LOCKED": "another process keeps it locked for too long",
    "SQLITE_FULL": "its disk is full",
    "SQLITE_READONLY": "its file or directory cannot be written to",
    "SQLITE_CANTOPEN": "its file cannot be opened",
    "SQLITE_IOERR": "its disk has errors",
}
#: Errors of a file that waiting does not repair.
_DAMAGED = ("SQLITE_CORRUPT", "SQLITE_NOTADB")


def is_damaged(error: BaseException) -> bool:
    """Return whether an SQLite file is damaged, or not an SQLite file."""
    return _sqlite_code(error).startswith(_DAMAGED)


def passing_failure(error: BaseException) -> str | None:
    """Return the database's trouble in words if it may pass; ``None`` if not.

    Args:
        error: the driver's error: of psycopg, PyMySQL or sqlite3.
    """
    number = error.args[0] if error.args else None
    if isinstance(number, int):  # PyMySQL's errors have a SQLSTATE as well, which says less
        return _OF_MARIADB.get(number)
    state = getattr(error, "sqlstate", None)
    if isinstance(state, str):
        return _of_code(state, _OF_POSTGRES)
    if code := _sqlite_code(error):
        return next((said for name, said in _OF_SQLITE.items() if code.startswith(name)), None)
    return None


def first_words(said: str) -> str:
    """Return the first line of a driver's message; for several servers, the line of each."""
    first, *others = [line.strip() for line in said.strip().splitlines()] or [""]
    if first.endswith(":"):
        return "; ".join([first, *(line for line in others if line)])
    return first


def _of_code(state: str, said: Mapping[str, str]) -> str | None:
    return said.get(state) or said.get(state[:2])


def _sqlite_code(error: BaseException) -> str:
    return str(getattr(error, "sqlite_errorname", None) or "")
