"""What has to be remembered behind a chunk, as bytes: written by one parse, read by the next.

    magic  counts  hosts  messages  recipients  deliveries  text

All numbers are int64, little-endian. ``counts`` are the rows of the four tables. The text holds
the names that the tables tell the lengths of: hosts, senders' domains, recipients' addresses. It
stays on the mail host.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from mailtally_shared.errors import Refused

if TYPE_CHECKING:
    from mailtally_shared.columns import Array

MAGIC: Final = b"maillog1"
_INT: Final = np.dtype("<i8")
#: Columns of each table: see ``Saved``.
_WIDTHS: Final = (1, 5, 4, 3)


@dataclass(frozen=True, slots=True)
class Saved:
    """The tables, each with a row a thing. Indices are those of rows.

    The host 0 is the collector's own, which is not among the hosts.
    """

    hosts: Array  # (h, 1): length of the name
    messages: Array  # (m, 5): host, number, size, seen, length of the domain or HOST_ITSELF
    recipients: Array  # (r, 4): message, local, deferrals, length of the address
    deliveries: Array  # (d, 3): host, number, recipient
    text: Array  # uint8

    def to_bytes(self) -> bytes:
        """For the checkpoint."""
        tables = (self.hosts, self.messages, self.recipients, self.deliveries)
        if not any(map(len, tables)):
            return b""
        counts = np.array([len(table) for table in tables])
        parts = (part.astype(_INT).tobytes() for part in (counts, *tables))
        return MAGIC + b"".join(parts) + self.text.tobytes()

    @classmethod
    def from_bytes(cls, state: bytes) -> Saved:
        """Back from bytes; nothing at all is no tables.

        Raises:
            Refused: they are not what ``to_bytes`` gives.
        """
        if not state:
            hosts, messages, recipients, deliveries = (np.zeros((0, w), _INT) for w in _WIDTHS)
            return cls(hosts, messages, recipients, deliveries, np.zeros(0, np.uint8))
        saved = cls._cut(state) if state.startswith(MAGIC) else None
        if saved is None or not saved.is_sound():
            raise Refused(
                "What is remembered of a mail log cannot be read. Run the version of mailtally "
                "that wrote it, or move the state directory away and start again."
            )
        return saved

    @classmethod
    def _cut(cls, state: bytes) -> Saved | None:
        at = len(MAGIC) + len(_WIDTHS) * _INT.itemsize
        if len(state) < at:
            return None
        counts = np.frombuffer(state, _INT, len(_WIDTHS), len(MAGIC)).tolist()
        sizes = [count * width for count, width in zip(counts, _WIDTHS, strict=True)]
        end = at + sum(sizes) * _INT.itemsize
        if min(counts) < 0 or len(state) < end:
            return None
        numbers = np.split(np.frombuffer(state, _INT, sum(sizes), at), np.cumsum(sizes)[:-1])
        hosts, messages, recipients, deliveries = (
            part.reshape(-1, width) for part, width in zip(numbers, _WIDTHS, strict=True)
        )
        text = (
            np.frombuffer(state, np.uint8, offset=end)
            if end < len(state)
            else np.zeros(0, np.uint8)
        )
        return cls(hosts, messages, recipients, deliveries, text)

    def is_sound(self) -> bool:
        """Nothing refers to what is not there."""
        hosts, messages, recipients = len(self.hosts), len(self.messages), len(self.recipients)
        lengths = self.lengths()
        return (
            bool((lengths >= 0).all() and (self.recipients[:, 2] >= 0).all())
            and int(lengths.sum()) == len(self.text)
            and _all_within(self.messages[:, 0], hosts + 1)
            and _all_within(self.recipients[:, 0], messages)
            and _all_within(self.deliveries[:, 0], hosts + 1)
            and _all_within(self.deliveries[:, 2], recipients)
        )

    def lengths(self) -> Array:
        """The length of each name in the text."""
        domains = np.maximum(self.messages[:, 4], 0)
        return np.concatenate([self.hosts[:, 0], domains, self.recipients[:, 3]])


def _all_within(column: Array, count: int) -> bool:
    return bool(((column >= 0) & (column < count)).all())
