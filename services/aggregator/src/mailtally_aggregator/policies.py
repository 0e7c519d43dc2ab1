"""What the settings say to the loops: the limits of a commit, and the policy for day files. Pure.

Apart from the loops, so that a command that needs the settings does not import those.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from mailtally_shared.days.charging import ChargingPolicy
from mailtally_shared.days.watermark import DayPolicy
from mailtally_shared.wire.payload import MAX_RAW


@dataclass(frozen=True, slots=True)
class GroupLimits:
    """The limits of one commit. One batch is always taken, whatever its size.

    Attributes:
        batches: most batches.
        rows: most rows.
        names: distinct names, by day, at which a group is full.
        wait: longest time in seconds for which a group of collectors that are behind is gathered.
        max_payload: most bytes of a payload, unpacked, and of all payloads, packed.
    """

    batches: int = 32
    rows: int = 1_000_000
    names: int = 131_072
    wait: float = 1.0
    max_payload: int = MAX_RAW


@dataclass(frozen=True, slots=True)
class WriterPolicy:
    """The site's policy for its day files.

    Attributes:
        days: when they are written.
        charging: what is charged.
        expected: collector host names that are waited for, seen or not.
        retention: seconds after a day's end when its totals are dropped.
        written_at: Unix seconds to state in manifests, so that files are the same
            however often they are written; ``None``: the time of writing.
    """

    days: DayPolicy = field(default_factory=DayPolicy)
    charging: ChargingPolicy = field(default_factory=ChargingPolicy)
    expected: tuple[str, ...] = ()
    retention: float = 35 * 86_400.0
    written_at: float | None = None
