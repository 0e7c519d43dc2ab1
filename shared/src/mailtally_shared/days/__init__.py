"""The files of a day: the qml file for the billing side, its breakdown and its manifest.

A day's files always hold its whole totals, never a difference.
"""

from mailtally_shared.days.charged_rows import ChargedRows, QmlRow
from mailtally_shared.days.charging import ChargingPolicy, charge
from mailtally_shared.days.day_rows import DayRows, Gathering
from mailtally_shared.days.directory import newest_manifest, newest_revision
from mailtally_shared.days.manifest import DayFacts, Manifest
from mailtally_shared.days.names import DayNames
from mailtally_shared.days.placing import write_day
from mailtally_shared.days.reading import DaySet, read_day
from mailtally_shared.schema import Sums

__all__ = [
    "ChargedRows",
    "ChargingPolicy",
    "DayFacts",
    "DayNames",
    "DayRows",
    "DaySet",
    "Gathering",
    "Manifest",
    "QmlRow",
    "Sums",
    "charge",
    "newest_manifest",
    "newest_revision",
    "read_day",
    "write_day",
]
