"""Moments as people type them: a day, a time of a day, seconds since 1970. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Final

from mailtally_shared.columns import END_OF_TIME

if TYPE_CHECKING:
    from datetime import date
    from zoneinfo import ZoneInfo

_DAYS_BACK: Final = {"today": 0, "yesterday": 1}
_DAY_FORMS: Final = ("%Y-%m-%d", "%d.%m.%Y")


def beginning(text: str, zone: ZoneInfo, now: float) -> int:
    """The moment meant by ``--from``: of a day, its first second. Unix seconds.

    Raises:
        ValueError: it is no moment.
    """
    day = _day(text, zone, now)
    return _moment(text, zone) if day is None else _midnight(day, zone)


def ending(text: str, zone: ZoneInfo, now: float) -> int:
    """The moment meant by ``--to``, exclusive: of a day, the first second of the next.

    Raises:
        ValueError: it is no moment.
    """
    day = _day(text, zone, now)
    return _moment(text, zone) if day is None else _midnight(day + timedelta(days=1), zone)


def _day(text: str, zone: ZoneInfo, now: float) -> date | None:
    if text in _DAYS_BACK:
        today = datetime.fromtimestamp(now, zone).date()
        return today - timedelta(days=_DAYS_BACK[text])
    for form in _DAY_FORMS:
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC).date()
        except ValueError:
            continue
    return None


def _moment(text: str, zone: ZoneInfo) -> int:
    if text.isdecimal():
        return min(int(text), END_OF_TIME)
    moment = datetime.fromisoformat(text)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp())


def _midnight(day: date, zone: ZoneInfo) -> int:
    return int(datetime.combine(day, time(), zone).timestamp())
