"""Names of a day's files, and the directories that they pass through."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

LOADING = "loading"
LOADED = "loaded"
REJECTED = "rejected"

_QML = re.compile(r"([0-9]{2})\.([0-9]{2})\.([0-9]{4})\.qml\.txt")


#: Other spellings of such names: H-Sphere's own, compressed files, capital letters.
_OTHER = re.compile(
    r"(?P<stem>[0-9]{2}\.[0-9]{2}\.[0-9]{4})\.qml(?P<kind>\.txt|\.csv|\.hours\.csv|\.json)?(?P<gz>\.gz)?",
    re.IGNORECASE,
)


def usual_name(name: str) -> str | None:
    """Return the usual name of a day's file of another spelling; ``None`` for other files."""
    found = _OTHER.fullmatch(name)
    if found is None:
        return None
    return f"{found['stem']}.qml{(found['kind'] or '.txt').lower()}"


@dataclass(frozen=True, slots=True)
class DayNames:
    """The names of one day's files; ``stem`` is ``dd.mm.YYYY``."""

    stem: str

    @classmethod
    def of(cls, day: date) -> DayNames:
        """Return the names for a traffic day."""
        return cls(f"{day.day:02d}.{day.month:02d}.{day.year:04d}")

    @classmethod
    def of_qml(cls, name: str) -> DayNames | None:
        """Return the names that belong to a qml file's; ``None`` where ``name`` is not one."""
        return cls(name.removesuffix(".qml.txt")) if _QML.fullmatch(name) else None

    @property
    def qml(self) -> str:
        """The name of the billing file, in kilobytes."""
        return f"{self.stem}.qml.txt"

    @property
    def breakdown(self) -> str:
        """The name of the breakdown: figures by domain, host, service and status."""
        return f"{self.stem}.qml.csv"

    @property
    def hours(self) -> str:
        """The name of the hours: figures by domain, hour and service. A day may lack the file."""
        return f"{self.stem}.qml.hours.csv"

    @property
    def manifest(self) -> str:
        """The name of the manifest, which ties the others to each other."""
        return f"{self.stem}.qml.json"

    @property
    def all(self) -> tuple[str, str, str, str]:
        """All in the order in which they are renamed into place: the qml file last."""
        return self.breakdown, self.hours, self.manifest, self.qml

    def day(self) -> date:
        """Return the traffic day; raise ``ValueError`` where the calendar has no such day."""
        day, month, year = map(int, self.stem.split("."))
        return date(year, month, day)
