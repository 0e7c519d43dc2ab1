"""The claim of a starting collector to its host name, as a table of cases. Pure."""

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
    """The starts that a state directory remembers.

    Attributes:
        collector_id: its id.
        registered: the last registered incarnation; ``None`` for a new directory.
        intent: the incarnation that an interrupted start was about to register.
        last_seq: the number of the last batch.
    """

    collector_id: str
    registered: Incarnation | None = None
    intent: Incarnation | None = None
    last_seq: int = 0


@dataclass(frozen=True, slots=True)
class Found:
    """What the state has for a host name and for the directory's id.

    Attributes:
        owner: the collector that has the host name.
        life: seconds for which the owner still counts as alive; 0.0 if it is silent.
        newest: the highest batch number that is applied under the directory's id.
        differs: whether another batch is applied under the number of one of the directory's.
    """

    owner: Owner | None = None
    life: float = 0.0
    newest: int = 0
    differs: bool = False


class Standing(Enum):
    """The relation of a directory to the state, as ``stand`` finds it."""

    FIRST = auto()  #: No collector has the host name: register.
    RESUMED = auto()  #: The state agrees with the directory: raise the epoch.
    ADOPTED = auto()  #: The state has the directory's own intent: finish that start first.
    AT_WORK = auto()  #: Another collector has the name and is alive: do not start.
    OLD_COPY = auto()  #: The directory is an old copy: take over with a fresh identity.
    DIRECTORY_LOST = auto()  #: The directory is new, and its predecessor is silent: take over.
    WENT_BACK = auto()  #: The state knows less than the directory: register above both.


def stand(found: Found, known: Remembered) -> Standing:
    """Return the relation of a directory to the state."""
    if found.newest > known.last_seq or found.differs:
        return Standing.AT_WORK if found.life else Standing.OLD_COPY
    if found.owner is None:
        return Standing.WENT_BACK if known.registered else Standing.FIRST
    own = _own_start(found.owner, known)
    return own or _stand_behind(found.owner, found.life, known)


def _own_start(owner: Owner, known: Remembered) -> Standing | None:
    """Return the relation of the directory that the owner was started from, else ``None``."""
    if owner.collector_id != known.collector_id:
        return None
    if owner.incarnation == known.registered:
        return Standing.RESUMED
    return Standing.ADOPTED if owner.incarnation == known.intent else None


def _stand_behind(owner: Owner, life: float, known: Remembered) -> Standing:
    """Return the relation of a directory to an owner that it does not know."""
    if known.registered and owner.incarnation.epoch < known.registered.epoch:
        return Standing.WENT_BACK
    if life:
        return Standing.AT_WORK
    return Standing.OLD_COPY if known.registered else Standing.DIRECTORY_LOST


def next_epoch(found: Found, known: Remembered) -> int:
    """Return an epoch above every known one."""
    seen = (known.registered, known.intent, found.owner and found.owner.incarnation)
    return max((incarnation.epoch for incarnation in seen if incarnation), default=0) + 1


def is_heard_again(before: Found | None, now: Found) -> bool:
    """Return whether the owner gave a sign of life between two reads of the state.

    Without one, its life only shortens. So a collector that has ended counts as alive no longer
    than its last sign of life lasts.
    """
    if before is None or before.owner is None or now.owner is None:
        return False
    return now.owner.incarnation != before.owner.incarnation or now.life > before.life
