"""Who counts for a host name, when a collector says who it is. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Owner:
    """The collector that owns a host name, and the epoch it was given."""

    collector_id: str
    epoch: int


@dataclass(frozen=True, slots=True)
class Claim:
    """What a collector becomes.

    ``predecessor`` is the id of the one that it takes the name over from, and
    ``is_new`` says that it owns the name from now on, and did not before.
    """

    epoch: int
    is_new: bool = False
    predecessor: str | None = None


def claim(owner: Owner | None, collector_id: str, epoch: int) -> Claim | None:
    """Decide on a registration; ``None`` fences the collector.

    Args:
        owner: whoever has the host name.
        collector_id: of the collector that registers.
        epoch: the one it was given before; 0 for a state directory that never registered.
    """
    if owner is None:
        return Claim(max(epoch, 1), is_new=True)
    if owner.collector_id == collector_id:
        # 0: it crashed before it noted what it was given.
        return Claim(owner.epoch) if epoch in (0, owner.epoch) else None
    if epoch == 0 or epoch > owner.epoch:
        return Claim(max(epoch, owner.epoch + 1), is_new=True, predecessor=owner.collector_id)
    return None
