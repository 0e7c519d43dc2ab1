"""The manifest of a day's files, ``dd.mm.YYYY.qml.json``."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from mailtally_shared.days.charged_rows import QmlTotals
from mailtally_shared.days.charging import ChargingPolicy
from mailtally_shared.days.day_rows import SumsTotals
from mailtally_shared.errors import BadFile, NewerFile
from mailtally_shared.schema import MAX_SUM, MEASURES
from mailtally_shared.shown import one_line
from mailtally_shared.versions import stated_number
from mailtally_shared.wire.status import LONGEST_SENTENCE

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

#: Number of wrong fields that one error names.
_MOST_NAMED = 20
#: Characters of the validator's message that are repeated; it may quote the file.
_LONGEST_QUOTE = 200

#: The format of manifests; a later one is left for a release that reads it.
FORMAT: Final = 4
_OTHER_FORMAT = (
    f"it is not a manifest of format 3 or {FORMAT}: files of the first edition are not supported; "
    "rebuild the day from its logs (mailtally rebuild)"
)

Count = Annotated[int, Field(ge=0, le=MAX_SUM)]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", defer_build=True)


class CountedSums(_Part):
    """The counted sums of some rows, charged or not; sizes in bytes."""

    messages: Count
    bytes: Count
    transferred: Count

    def is_below(self, other: CountedSums) -> bool:
        """Return whether any of the three sums is lower than the other's."""
        return (
            self.messages < other.messages
            or self.bytes < other.bytes
            or self.transferred < other.transferred
        )


class HoursPart(CountedSums):
    """The file of hours, and the sums over its rows; ``partial`` where it lacks some records."""

    extent: Literal["whole", "partial"]
    rows: Count
    sha256: Sha256

    @property
    def is_whole(self) -> bool:
        """Whether the hours hold every record of the day."""
        return self.extent == "whole"

    @property
    def counted(self) -> tuple[int, int, int, int]:
        """The stated number of rows, and their sums."""
        return self.rows, self.messages, self.bytes, self.transferred


class Lowered(_Part):
    """The person who allowed this revision to lower the day, and when."""

    who: Annotated[str, Field(pattern="^[ -~]{1,255}$")]
    at: datetime  # UTC, whole seconds


class Seen(_Part):
    """The history and the commit counter of the state that the figures come from."""

    history: Annotated[str, Field(pattern="^[0-9a-f]{32}$")]
    commits: Count


class Pinned(_Part):
    """The last revision that was made of a day's own totals, before these left the state."""

    revision: Annotated[int, Field(ge=1, le=MAX_SUM)]
    breakdown_sha256: Sha256


class LateBook(_Part):
    """A revision made of a pinned one and of all records that came after it."""

    pinned: Pinned
    late: CountedSums  # the whole late book


class Incomplete(_Part):
    """A host of which part of a log is known to be missing, and why."""

    host: Annotated[str, Field(max_length=255)]
    reason: Annotated[str, Field(pattern=rf"\A[ -~]{{1,{LONGEST_SENTENCE}}}\z")]


class DayFacts(BaseModel):
    """The facts of a day that its files state in addition to the figures."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", defer_build=True)

    day: date
    # The IANA name of the zone in which the day is a calendar day.
    timezone: Annotated[str, Field(pattern="^[!-~]{1,64}$")]
    revision: Annotated[int, Field(ge=1, le=MAX_SUM)]
    # Every known collector has passed the end of the day, and could read all of its logs.
    complete: bool
    missing_hosts: tuple[str, ...] = ()
    incomplete: tuple[Incomplete, ...] = ()  # hosts of which a log could not be read
    policy: ChargingPolicy = ChargingPolicy()
    state: Seen | None = None  # None where the figures are not from the state
    lowered_by: Lowered | None = None
    late_book: LateBook | None = None

    @model_validator(mode="after")
    def _complete_means_none_missing(self) -> DayFacts:
        if self.complete and self.missing_hosts:
            raise ValueError("a complete day has no missing hosts")
        if self.complete and self.incomplete:
            raise ValueError("a complete day has no incomplete hosts")
        return self


class Manifest(DayFacts):
    """The manifest, which ties the files of a day to each other.

    Format 3 has no hours; it is read, and no longer written.
    """

    format: Literal[3, 4] = FORMAT
    breakdown_rows: Count
    total_messages: Count  # of the breakdown, charged or not
    total_bytes: Count  # of the breakdown, as logged
    collectors: dict[str, CountedSums]  # of the breakdown, by the collector that reported it
    qml_rows: Count
    charged_bytes: Count  # of the qml file: the charged quantity
    hits_all: Count
    hits_html: Count
    qml_sha256: Sha256
    breakdown_sha256: Sha256
    hours: HoursPart | None = None  # None where no hours of the day are known
    written_at: datetime  # UTC, whole seconds

    @property
    def counted(self) -> SumsTotals:
        """The stated sums over the breakdown."""
        return SumsTotals(self.breakdown_rows, self.total_messages, self.total_bytes)

    @property
    def charged(self) -> QmlTotals:
        """The stated sums over the qml file."""
        return QmlTotals(self.qml_rows, self.charged_bytes, self.hits_all, self.hits_html)

    @model_validator(mode="after")
    def _collectors_add_up(self) -> Manifest:
        found = [(sums.messages, sums.bytes) for sums in self.collectors.values()]
        if tuple(map(sum, zip((0, 0), *found, strict=True))) != (
            self.total_messages,
            self.total_bytes,
        ):
            raise ValueError("the collectors do not add up to the totals")
        return self

    @model_validator(mode="after")
    def _whole_hours_add_up(self) -> Manifest:
        counted = self.collectors.values()
        sums = [sum(getattr(one, name) for one in counted) for name in MEASURES]
        if self.hours and self.hours.is_whole and sums != list(self.hours.counted[1:]):
            raise ValueError("the hours are called whole and do not add up to the totals")
        return self


def render(manifest: Manifest) -> bytes:
    """Return the file's bytes."""
    return manifest.model_dump_json(indent=2).encode() + b"\n"


def parse(data: bytes, path: str) -> Manifest:
    """Parse the bytes of a manifest.

    Raises:
        BadFile: reason ``bad-manifest``; the message names the first wrong fields.
        NewerFile: a newer version of mailtally wrote it.
    """
    try:
        return Manifest.model_validate_json(data)
    except ValidationError as error:
        if (stated := stated_number(data, "format")) > FORMAT:
            raise NewerFile(path, f"manifest format {stated}") from error
        if any(each["loc"] == ("format",) for each in error.errors(include_url=False)):
            raise BadFile("bad-manifest", path, _OTHER_FORMAT) from error
        found = error.errors(include_url=False, include_input=False)
        wrong = "; ".join(f"{_place(each)}: {_said(each)}" for each in found[:_MOST_NAMED])
        raise BadFile("bad-manifest", path, wrong) from error


def utc(now: float) -> datetime:
    """Return Unix seconds as an aware time of whole seconds, as in manifests."""
    return datetime.fromtimestamp(int(now), UTC)


def _place(each: ErrorDetails) -> str:
    return ".".join(map(one_line, each["loc"])) or "the file"


def _said(each: ErrorDetails) -> str:
    return one_line(each["msg"], _LONGEST_QUOTE)
