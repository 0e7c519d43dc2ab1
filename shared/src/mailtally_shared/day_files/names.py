"""How the files of a day are called, and where they go in the statistic directory."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

LOADING = "loading"
LOADED = "loaded"
REJECTED = "rejected"

_QML = re.compile(r"([0-9]{2})\.([0-9]{2})\.([0-9]{4})\.qml\.txt")


#: What others call such files: H-Sphere's own name, compressed ones, capital letters.
_OTHER = re.compile(
    r"(?P<stem>[0-9]{2}\.[0-9]{2}\.[0-9]{4})\.qml(?P<kind>\.txt|\.csv|\.json)?(?P<gz>\.gz)?",
    re.IGNORECASE,
)


def usual_name(name: str) -> str | None:
    """Return the name that a day's file of another spelling has here; ``None`` of other files."""
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
        """The names for a traffic day."""
        return cls(f"{day.day:02d}.{day.month:02d}.{day.year:04d}")

    @classmethod
    def of_qml(cls, name: str) -> DayNames | None:
        """The names that go with a qml file's; None where ``name`` is none."""
        return cls(name.removesuffix(".qml.txt")) if _QML.fullmatch(name) else None

    @property
    def qml(self) -> str:
        """The file for the billing side."""
        return f"{self.stem}.qml.txt"

    @property
    def breakdown(self) -> str:
        """The figures by domain, host, service and status."""
        return f"{self.stem}.qml.csv"

    @property
    def manifest(self) -> str:
        """What commits the other two to each other."""
        return f"{self.stem}.qml.json"

    @property
    def all(self) -> tuple[str, str, str]:
        """All three in the order in which they are put in place: the qml file last."""
        return self.breakdown, self.manifest, self.qml

    def day(self) -> date:
        """The traffic day; ``ValueError`` where the calendar has no such day."""
        day, month, year = map(int, self.stem.split("."))
        return date(year, month, day)
