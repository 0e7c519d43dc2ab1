"""SQLite where several processes use one file."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from mailtally_shared.billing.engine import open_engine, writing

if TYPE_CHECKING:
    from pathlib import Path

_FILES, _AT_ONCE = 60, 16


def test_many_may_open_a_new_file_at_once(tmp_path: Path) -> None:
    def open_new(path: Path) -> None:
        engine = open_engine(f"sqlite:///{path}")
        with writing(engine) as connection:
            connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS some (thing)")
        engine.dispose()

    # One is refused in some thirty files only, and only where SQLite does not wait by itself.
    with ThreadPoolExecutor(_AT_ONCE) as openers:
        for number in range(_FILES):
            list(openers.map(open_new, [tmp_path / str(number)] * _AT_ONCE))
