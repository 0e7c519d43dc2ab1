"""Numbers of bytes in a line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mailtally_collector.formats.engine.reasons import Reason
from mailtally_kernel import DIGITS, Bytes, Event, Field, Gives, Kept, Must, Set, Value
from mailtally_shared.schema import MAX_SIZE

if TYPE_CHECKING:
    from mailtally_collector.formats.engine.log_format import Setting
    from mailtally_kernel import Pattern

DIGITS_OF_SIZE: Final = Kept(Field.SIZE, Bytes(DIGITS))
DIGITS_OF_MORE: Final = Kept(Field.MORE, Bytes(DIGITS))

#: A session's end, whose bytes are in the two fields.
SESSION_OF_BOTH: Final[Pattern] = (
    Must(Reason.BAD_BYTES, Value(Field.SIZE, MAX_SIZE), Value(Field.MORE, MAX_SIZE)),
    Gives(Event.SESSION),
)
_SESSION_OF_WRITTEN: Final[Pattern] = (
    Set(Field.SIZE, 0),
    Must(Reason.BAD_BYTES, Value(Field.MORE, MAX_SIZE)),
    Gives(Event.SESSION),
)


def session_of(setting: Setting) -> Pattern:
    """Return a session's end: bytes read are in ``SIZE``, bytes written in ``MORE``."""
    return SESSION_OF_BOTH if setting.session_bytes == "both" else _SESSION_OF_WRITTEN
