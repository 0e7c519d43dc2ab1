"""What the next chunk of a log needs of its earlier lines, besides messages: stamps and last lines.

    magic  previous  second pass  hosts  lengths  names  lines

All numbers are int64, little-endian. ``lengths`` has two for each host: of its name, which is empty
for the collector's own, and of its last line, which is empty for one of no known program.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

MAGIC: Final = b"syslog01"
_INT: Final = np.dtype("<i8")
_NO_TIME: Final = -(2**63)
_HEAD: Final = 3
#: Hosts whose last lines are kept, and the longest of these lines.
MOST_HOSTS: Final = 256
LONGEST_LINE: Final = 8192
_LONGEST_NAME: Final = 255


@dataclass(frozen=True, slots=True)
class LogState:
    """The state of a log between two chunks.

    Attributes:
        previous: see :class:`Clock`.
        second_pass: likewise.
        last_lines: the last line of each host, which a repeat stands for.
    """

    previous: int | None = None
    second_pass: int | None = None
    last_lines: Mapping[bytes, bytes] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """Return it as bytes; the rest of a state may follow."""
        faces = [_NO_TIME if face is None else face for face in (self.previous, self.second_pass)]
        lines = self.last_lines
        lengths = [len(part) for pair in lines.items() for part in pair]
        head = np.array([*faces, len(lines), *lengths], _INT).tobytes()
        return b"".join([MAGIC, head, *lines, *lines.values()])


def read_state(state: bytes) -> tuple[LogState, bytes]:
    """Return a state, and the bytes that follow it.

    Raises:
        ValueError: It is damaged, or was written by something else.
    """
    begin = len(MAGIC) + _HEAD * _INT.itemsize
    if len(state) < begin or not state.startswith(MAGIC):
        raise ValueError("This is not the state of a log.")
    previous, second_pass, count = np.frombuffer(state, _INT, _HEAD, len(MAGIC)).tolist()
    end = begin + 2 * count * _INT.itemsize
    if not 0 <= count <= MOST_HOSTS or len(state) < end:
        raise ValueError("The state of a log is cut short.")
    lengths = np.frombuffer(state, _INT, 2 * count, begin).reshape(count, 2)
    if ((lengths < 0) | (lengths > (_LONGEST_NAME, LONGEST_LINE))).any():
        raise ValueError("The state of a log has a line of no possible length.")
    texts: list[bytes] = []
    for length in lengths.T.ravel().tolist():
        texts.append(state[end : end + length])
        end += length
    if len(state) < end or any(b"\n" in text for text in texts):
        raise ValueError("The state of a log is damaged.")
    lines = dict(zip(texts[:count], texts[count:], strict=True))
    return LogState(_face(previous), _face(second_pass), lines), state[end:]


def _face(number: int) -> int | None:
    return None if number == _NO_TIME else number
