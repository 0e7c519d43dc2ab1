"""The kernel: reading and adding up log lines, in C. ``docs/explanation/kernel.md`` is its page."""

from mailtally_kernel.interface import Event, Field
from mailtally_kernel.library import KernelError
from mailtally_kernel.names import Dictionaries
from mailtally_kernel.patterns import (
    ANY,
    DIGITS,
    LETTERS,
    Address,
    AtEnd,
    Bytes,
    Gives,
    Hex,
    Kept,
    Maybe,
    Must,
    Number,
    OneOf,
    Pattern,
    Rest,
    Set,
    Shared,
    Text,
    UpTo,
    UpToLast,
    Value,
)
from mailtally_kernel.program import Program
from mailtally_kernel.queue_state import Limits, left_by, restored
from mailtally_kernel.ranking import FIGURES, Amounts, RankedNames, add_up
from mailtally_kernel.stats import ROW, Folded, Lines, StatsFolder, best_level, read_stats

__all__ = [
    "ANY",
    "DIGITS",
    "FIGURES",
    "LETTERS",
    "ROW",
    "Address",
    "Amounts",
    "AtEnd",
    "Bytes",
    "Dictionaries",
    "Event",
    "Field",
    "Folded",
    "Gives",
    "Hex",
    "Kept",
    "KernelError",
    "Limits",
    "Lines",
    "Maybe",
    "Must",
    "Number",
    "OneOf",
    "Pattern",
    "Program",
    "RankedNames",
    "Rest",
    "Set",
    "Shared",
    "StatsFolder",
    "Text",
    "UpTo",
    "UpToLast",
    "Value",
    "add_up",
    "best_level",
    "left_by",
    "read_stats",
    "restored",
]
