"""The moment of a stamp: the year and the zone that are not in it (FORMATS 2)."""

from __future__ import annotations

from calendar import isleap
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from mailtally_shared.schema import END_OF_TIME
from tests.reference.outcome import Malformed, need

if TYPE_CHECKING:
    from tests.reference.settings import Settings
    from tests.reference.stamps import Stamp

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HALF_A_YEAR = timedelta(days=183)
LATE = timedelta(days=7)
DAY = timedelta(days=1)


@dataclass
class Clock:
    """The clock of one file."""

    settings: Settings
    #: Face of the stamp before, in the log's zone, without a zone.
    previous: datetime | None = None
    #: Beginning of the repeated hour whose second pass has begun.
    second_pass: datetime | None = None

    def moment(self, stamp: Stamp) -> int:
        """Return Unix seconds; raise Malformed where no calendar has such a stamp."""
        at = self.resolve(stamp)
        seconds = (at.astimezone(UTC) - EPOCH) // timedelta(seconds=1)
        need(0 <= seconds < END_OF_TIME, "bad-timestamp")
        self.previous = at.astimezone(self.settings.log_zone).replace(tzinfo=None, fold=0)
        return seconds

    def resolve(self, stamp: Stamp) -> datetime:
        zone = self.settings.log_zone
        if stamp.moment is not None:
            return datetime.fromtimestamp(stamp.moment, UTC)
        year = stamp.year if stamp.year is not None else self.year_of(stamp)
        face = face_in(year, stamp)
        if stamp.zone is None:
            return face.replace(tzinfo=zone, fold=self.fold_of(face))
        if stamp.zone == "UTC":
            return face.replace(tzinfo=UTC)
        for fold in (0, 1):
            at = face.replace(tzinfo=zone, fold=fold)
            if at.tzname() == stamp.zone:
                return at
        raise Malformed("bad-timestamp")

    def year_of(self, stamp: Stamp) -> int:
        if self.previous is None:
            return self.first_year(stamp)
        year = self.previous.year
        face = face_in(leap(year, stamp), stamp)
        if self.previous - face > HALF_A_YEAR:
            year += 1
        elif face - self.previous > HALF_A_YEAR:
            before = face_in(leap(year - 1, stamp), stamp)
            year -= self.previous - before <= LATE
        return leap(year, stamp)

    def first_year(self, stamp: Stamp) -> int:
        """Return the last year in which the stamp is at most a day after the file's time."""
        if self.settings.first_year is not None:
            return leap(self.settings.first_year, stamp)
        modified = datetime.fromtimestamp(self.settings.modified, self.settings.log_zone)
        newest = modified.replace(tzinfo=None) + DAY
        year = leap(newest.year, stamp)
        if face_in(year, stamp) > newest:
            year = leap(year - 1, stamp)
        return year

    def fold_of(self, face: datetime) -> int:
        """Return 1 for the second pass of a repeated hour, else 0."""
        zone = self.settings.log_zone
        first, second = (face.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1))
        assert first is not None
        assert second is not None
        if first <= second:
            return 0  # An ordinary stamp, or one in the hour that is skipped.
        half = (first - second) / 2
        begins = beginning_of_fold(self.settings, face)
        if self.previous is not None and self.previous - face > half:
            self.second_pass = begins
        return int(self.second_pass == begins)


def face_in(year: int, stamp: Stamp) -> datetime:
    month, day, hour, minute, second = stamp.face
    try:
        return datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - a clock's face
    except ValueError:
        raise Malformed("bad-timestamp") from None


def leap(year: int, stamp: Stamp) -> int:
    """Return the year, or for 29 February the last leap year up to it."""
    while stamp.face[:2] == (2, 29) and not isleap(year):
        year -= 1
    return year


def beginning_of_fold(settings: Settings, face: datetime) -> datetime:
    """Return the first second of the repeated hour that a face is in."""
    zone, second = settings.log_zone, timedelta(seconds=1)
    while face.replace(tzinfo=zone, fold=0).utcoffset() != (
        face.replace(tzinfo=zone, fold=1).utcoffset()
    ):
        face -= second
    return face + second
