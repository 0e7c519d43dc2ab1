"""The files of a day: the qml file for the billing side, its breakdown and its manifest.

A day's files always hold its whole totals, never a difference.
"""

from mailtally_shared.day_files.charging import ChargingPolicy, charge
from mailtally_shared.day_files.day_rows import DayRows, Gathering
from mailtally_shared.day_files.kilobytes import kilobytes
from mailtally_shared.day_files.manifest import DayFacts, Manifest
from mailtally_shared.day_files.names import DayNames
from mailtally_shared.day_files.placing import newest_manifest, newest_revision, write_day
from mailtally_shared.day_files.reading import DaySet, read_day
from mailtally_shared.day_files.rows import QmlRow, Sums

__all__ = [
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
    "kilobytes",
    "newest_manifest",
    "newest_revision",
    "read_day",
    "write_day",
]
