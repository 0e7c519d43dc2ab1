"""Who counts for a host name, when a collector starts: the rows of one table. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto


@dataclass(frozen=True, slots=True)
class Incarnation:
    """One start of a collector: the epoch that it raised its registration to, and its nonce."""

    epoch: int
    nonce: str


@dataclass(frozen=True, slots=True)
class Owner:
    """The collector that the state has registered under a host name."""

    collector_id: str
    incarnation: Incarnation
    machine: str = ""


@dataclass(frozen=True, slots=True)
class Remembered:
    """What a state directory remembers of its own starts.

    Attributes:
        collector_id: its id.
        registered: the incarnation that it was registered as last; ``None`` for a new directory.
        intent: the one that it was about to register, where a start was interrupted.
        last_seq: the number of the last batch that it made.
    """

    collector_id: str
    registered: Incarnation | None = None
    intent: Incarnation | None = None
    last_seq: int = 0


@dataclass(frozen=True, slots=True)
class Found:
    """What the state has of a host name, and of the directory's id.

    Attributes:
        owner: the collector that has the host name.
        life: seconds for which the owner still counts as alive; 0.0 when it is silent.
        newest: the highest batch number that is applied under the directory's id.
        differs: a batch of the directory's is applied as another one of the same number.
    """

    owner: Owner | None = None
    life: float = 0.0
    newest: int = 0
    differs: bool = False


class Standing(Enum):
    """What a directory is to the state, as ``stand`` finds it."""

    FIRST = auto()  #: No collector has the host name: register.
    RESUMED = auto()  #: The state has what the directory remembers: raise the epoch.
    ADOPTED = auto()  #: The state has the directory's own intent: finish that start first.
    AT_WORK = auto()  #: Another collector has the name and was heard of: do not start.
    OLD_COPY = auto()  #: The directory is an old copy: take over with a fresh identity.
    DIRECTORY_LOST = auto()  #: The directory is new, and its predecessor is silent: take over.
    WENT_BACK = auto()  #: The state knows less than the directory: register above both.


def stand(found: Found, known: Remembered) -> Standing:
    """Find out what a directory is to the state."""
    if found.newest > known.last_seq or found.differs:
        return Standing.AT_WORK if found.life else Standing.OLD_COPY
    if found.owner is None:
        return Standing.WENT_BACK if known.registered else Standing.FIRST
    own = _own_start(found.owner, known)
    return own or _stand_behind(found.owner, found.life, known)


def _own_start(owner: Owner, known: Remembered) -> Standing | None:
    """Return where the directory stands that the owner was started from, else ``None``."""
    if owner.collector_id != known.collector_id:
        return None
    if owner.incarnation == known.registered:
        return Standing.RESUMED
    return Standing.ADOPTED if owner.incarnation == known.intent else None


def _stand_behind(owner: Owner, life: float, known: Remembered) -> Standing:
    """Return where a directory stands when the name has an owner that it does not know."""
    if known.registered and owner.incarnation.epoch < known.registered.epoch:
        return Standing.WENT_BACK
    if life:
        return Standing.AT_WORK
    return Standing.OLD_COPY if known.registered else Standing.DIRECTORY_LOST


def next_epoch(found: Found, known: Remembered) -> int:
    """Return the epoch above every one that is known."""
    seen = (known.registered, known.intent, found.owner and found.owner.incarnation)
    return max((incarnation.epoch for incarnation in seen if incarnation), default=0) + 1


def is_heard_again(before: Found | None, now: Found) -> bool:
    """Return whether the owner gave a sign of life between two looks.

    Its life only ever shortens by itself. So a collector that ended is not taken for one at
    work for longer than its last sign lasts.
    """
    if before is None or before.owner is None or now.owner is None:
        return False
    return now.owner.incarnation != before.owner.incarnation or now.life > before.life
