"""The settings of the loader."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from mailtally_shared.days.reading import MAX_FILE_BYTES
from mailtally_shared.runtime.settings import (
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

    poll: Annotated[Seconds, Field(description="Interval between checks for new files.")] = 1.0
    settle: Annotated[
        SecondsOrZero,
        Field(
            description="Time without changes after which a file without manifest is loaded, and "
            "one that contradicts its manifest is rejected."
        ),
    ] = 5.0
    hours_retention: Annotated[
        SecondsOrZero,
        Field(
            description="Time after which a day's rows by hour are removed from the database; "
            "0 keeps them."
        ),
    ] = 400 * 86_400.0
    max_file_bytes: Annotated[
        Bytes, Field(description="Size limit of a day file; a larger one is rejected.")
    ] = MAX_FILE_BYTES
