"""The loader's settings."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from mailtally_shared.day_files.reading import MAX_FILE_BYTES
from mailtally_shared.process.settings import (
    Bytes,
    DatabaseSettings,
    HealthSettings,
    Seconds,
    SecondsOrZero,
    StatisticSettings,
)


class LoaderSettings(DatabaseSettings, StatisticSettings, HealthSettings):
    """Loads day files into the database and archives them."""

    service: ClassVar[str] = "loader"

    poll: Annotated[
        Seconds, Field(description="How often to look for new files in the statistic directory.")
    ] = 1.0
    settle: Annotated[
        SecondsOrZero,
        Field(
            description="How long a file without manifest must not have changed before it is "
            "loaded, and one that contradicts its manifest before it is rejected."
        ),
    ] = 5.0
    max_file_bytes: Annotated[
        Bytes, Field(description="A larger file is rejected instead of loaded.")
    ] = MAX_FILE_BYTES
