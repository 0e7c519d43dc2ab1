"""Read a compressed file piece by piece, and detect damage in it.

Memory is bounded whatever the file holds: each step reads little input and returns little output.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mailtally_collector.tail.compression.kinds import HEAD, Compression, compression_of
from mailtally_collector.tail.compression.members import MEMBER_ERRORS, member

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailtally_collector.tail.compression.members import Member

#: Bytes of input per step. What a step decompressed before a fault is lost, so it is small.
_INPUT: Final = 2**13
#: Bytes of output per step; constant, so that the content before a fault is always the same.
_OUTPUT: Final = 2**16


class Damage(Exception):
    """The error that a compressed file is truncated or damaged after what was read.

    Its text follows "… cannot be read on: ".
    """


class Decoder:
    """A reader of all members of a compressed file, one after the other.

    Zero bytes after a member are padding, as for gzip. Anything else that is not another member is
    damage.

    Args:
        read: returns up to the given number of bytes of the file, none at its end.
        compression: the kind of the first member; its ``is_read`` must be true.
    """

    def __init__(self, read: Callable[[int], bytes], compression: Compression) -> None:
        self._read = read
        self._compression = compression
        self._member: Member | None = None
        self._input = b""  # read and not yet decompressed
        self._given = memoryview(b"")  # decompressed and not yet handed out
        self._has_begun = False
        self._has_given = False
        self._has_ended = False
        self._damage: Damage | None = None

    def read(self, most: int) -> bytes:
        """Return the next bytes, up to ``most``; none at the end.

        Raises:
            Damage: everything before the damage was returned.
            OSError: the file cannot be read.
        """
        while not self._given and not self._has_ended:
            if self._damage is not None:
                raise self._damage
            try:
                self._given = memoryview(self._step())
            except Damage as damage:
                self._damage = damage
        data, self._given = bytes(self._given[:most]), self._given[most:]
        return data

    def _step(self) -> bytes:
        if self._member is None:
            self._begin_member()
            return b""
        if self._member.eof:
            self._input, self._member = self._member.unused_data, None
            return b""
        data, wanted = b"", self._member.needs_input
        if wanted:
            data, self._input = self._input or self._read(_INPUT), b""
        given = self._decompressed(self._member, data)
        if wanted and not (data or given or self._member.eof):
            raise Damage(f"it is cut short: its {self._compression.value} data has no end")
        if given and not self._has_given:
            self._has_given = True
            self._refuse_double(given)
        return given

    def _decompressed(self, current: Member, data: bytes) -> bytes:
        try:
            return current.decompress(data, _OUTPUT)
        except MemoryError:
            raise Damage(f"its {self._compression.value} data asks for too much memory") from None
        except MEMBER_ERRORS as error:
            text = f"its {self._compression.value} data is damaged ({error})"
            raise Damage(text) from error

    def _begin_member(self) -> None:
        """Skip padding, and begin the next member if there is one."""
        if self._has_begun:
            self._input = self._input.lstrip(b"\0")
            while not self._input and (data := self._read(_INPUT)):
                self._input = data.lstrip(b"\0")
        while len(self._input) < HEAD and (data := self._read(_INPUT)):
            self._input += data
        if not self._input:
            self._has_ended = True
        elif compression_of(self._input[:HEAD]) is not self._compression:
            name = self._compression.value
            raise Damage(f"what follows the end of its {name} data is not {name} data")
        else:
            self._has_begun = True
            self._member = member(self._compression)

    def _refuse_double(self, content: bytes) -> None:
        inner = compression_of(content[:HEAD])
        if inner is Compression.TAR:
            raise Damage("it is a tar archive, not a log")
        if inner is not None:
            raise Damage(f"it was compressed twice ({inner.value} in {self._compression.value})")
