"""The manifest of a day's files, ``dd.mm.YYYY.qml.json`` (RULES section 5)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from mailtally_shared.columns import MAX_SUM
from mailtally_shared.day_files.charging import ChargingPolicy
from mailtally_shared.errors import BadFile, one_line

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

#: Wrong fields that one error names.
_MOST_TOLD = 20
#: Characters of the validator's own words; they may quote the file.
_LONGEST_TOLD = 200

Count = Annotated[int, Field(ge=0, le=MAX_SUM)]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class DayFacts(BaseModel):
    """What the writer of a day's files knows of it besides the figures."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    day: date
    # The IANA name of the zone in which the day is a calendar day.
    timezone: Annotated[str, Field(pattern="^[!-~]{1,64}$")]
    revision: Annotated[int, Field(ge=1, le=MAX_SUM)]
    complete: bool  # every known collector has passed the end of the day
    missing_hosts: tuple[str, ...] = ()
    policy: ChargingPolicy = ChargingPolicy()

    @model_validator(mode="after")
    def _complete_means_none_missing(self) -> DayFacts:
        if self.complete and self.missing_hosts:
            raise ValueError("a complete day has no missing hosts")
        return self


class Manifest(DayFacts):
    """Commits the three files of a day to each other."""

    format: Literal[1] = 1
    breakdown_rows: Count
    total_messages: Count  # of the breakdown, charged or not
    total_bytes: Count  # of the breakdown, as logged
    qml_rows: Count
    charged_bytes: Count  # of the qml file: the charged quantity
    hits_all: Count
    hits_html: Count
    qml_sha256: Sha256
    breakdown_sha256: Sha256
    written_at: datetime  # UTC, whole seconds


def render(manifest: Manifest) -> bytes:
    """The file's bytes."""
    return manifest.model_dump_json(indent=2).encode() + b"\n"


def parse(data: bytes, path: str) -> Manifest:
    """The manifest of a file's bytes.

    Raises:
        BadFile: reason ``bad-manifest``; names the first fields that are wrong.
    """
    try:
        return Manifest.model_validate_json(data)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        wrong = "; ".join(f"{_place(each)}: {_said(each)}" for each in found[:_MOST_TOLD])
        raise BadFile("bad-manifest", path, wrong) from error


def utc(now: float) -> datetime:
    """Unix seconds as an aware time of whole seconds, as manifests hold it."""
    return datetime.fromtimestamp(int(now), UTC)


def _place(each: ErrorDetails) -> str:
    return ".".join(map(one_line, each["loc"])) or "the file"


def _said(each: ErrorDetails) -> str:
    return one_line(each["msg"], _LONGEST_TOLD)
