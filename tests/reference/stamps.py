"""Stamps at the beginning of a line: what they say, not yet which moment they mean."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

from mailtally_shared.schema import END_OF_TIME
from tests.reference.outcome import Malformed, need

MONTHS = b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()

SYSLOG = re.compile(
    rb"(?P<month>Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) (?P<day>[ 0-9][0-9])"
    rb" (?P<time>[0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]{1,9})? "
)
ISO = re.compile(
    rb"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})T(?P<time>[0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]{0,9})?"
    rb"(?P<offset>Z|[-+][0-9]{2}:?[0-9]{2})? "
)
#: Exim's own and tai64nlocal's.
SPACED = re.compile(
    rb"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2}) (?P<time>[0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]{1,9})?"
    rb"( (?P<offset>[-+][0-9]{4}))? "
)
SHORT_FULL = re.compile(
    rb"(Mon|Tue|Wed|Thu|Fri|Sat|Sun) (?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    rb" (?P<time>[0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]{1,9})? (?P<zone>[A-Z]{3,5}|[-+][0-9]{2,4}) "
)
SHORT_UNIX = re.compile(rb"(?P<seconds>[0-9]{1,12})\.[0-9]{6} ")
#: svlogd's, always of UTC.
SVLOGD = re.compile(
    rb"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})_(?P<time>[0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]{1,9})? "
)
TAI64N = re.compile(rb"@(?P<seconds>[0-9a-f]{16})[0-9a-f]{8} ")


@dataclass(frozen=True)
class Stamp:
    """Either a moment, or the face of a clock with or without a year and a zone's name."""

    moment: int | None = None
    #: Month, day, hour, minute, second.
    face: tuple[int, int, int, int, int] = (1, 1, 0, 0, 0)
    year: int | None = None
    zone: str | None = None


def dated(found: re.Match[bytes]) -> Stamp:
    """Return the stamp of a date with its year."""
    year, month, day = (int(part) for part in found["date"].split(b"-"))
    hour, minute, second = (int(part) for part in found["time"].split(b":"))
    offset = found.groupdict().get("offset")
    if offset is None:
        return Stamp(face=(month, day, hour, minute, second), year=year)
    try:
        zone = UTC if offset == b"Z" else timezone(offset_of(offset))
        at = datetime(year, month, day, hour, minute, second, tzinfo=zone)
    except ValueError:
        raise Malformed("bad-timestamp") from None
    return moment((at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1))


def offset_of(text: bytes) -> timedelta:
    digits = text[1:].replace(b":", b"")
    need(int(digits[2:]) < 60, "bad-timestamp")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return -offset if text.startswith(b"-") else offset


def moment(seconds: int) -> Stamp:
    need(0 <= seconds < END_OF_TIME, "bad-timestamp")
    return Stamp(moment=seconds)


def yearless(found: re.Match[bytes]) -> Stamp:
    hour, minute, second = (int(part) for part in found["time"].split(b":"))
    month = MONTHS.index(found["month"]) + 1
    return Stamp(face=(month, int(found["day"]), hour, minute, second))


def in_named_zone(found: re.Match[bytes]) -> Stamp:
    stamp = dated(found)
    return Stamp(face=stamp.face, year=stamp.year, zone=found["zone"].decode())


def of_utc(found: re.Match[bytes]) -> Stamp:
    stamp = dated(found)
    return Stamp(face=stamp.face, year=stamp.year, zone="UTC")


def tai(found: re.Match[bytes]) -> Stamp:
    return moment(int(found["seconds"], 16) - 2**62 - 10)


def unix(found: re.Match[bytes]) -> Stamp:
    return moment(int(found["seconds"]))


@dataclass(frozen=True)
class Read:
    stamp: Stamp
    rest: bytes
    host_follows: bool


#: Each form of a stamp, how it is read, and whether a host follows, as in every syslog.
FORMS = (
    (SYSLOG, yearless, True),
    (ISO, dated, True),
    (SHORT_FULL, in_named_zone, True),
    (SHORT_UNIX, unix, True),
    (SPACED, dated, False),
    (SVLOGD, of_utc, False),
    (TAI64N, tai, False),
)


def read_stamp(text: bytes) -> Read | None:
    """Return the stamp that a line begins with; None where it begins with none."""
    for form, reader, host_follows in FORMS:
        if found := form.match(text):
            return Read(reader(found), text[found.end() :], host_follows)
    return None
