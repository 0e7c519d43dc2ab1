"""Filter of AMQP frames between the server and py-amqp: only the body of a message passes.

The sender of a message chooses its properties: content type and encoding, headers
(kombu obeys ``compression``), ``reply-to``, priority. They come in a frame of their
own, which is passed on empty. Channel, delivery tag and queue come in other frames,
from the server. The size of the body is checked before the body is kept.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from amqp.method_framing import frame_handler

from mailtally_shared.wire.announcement import MAX_MESSAGE, TOO_LARGE

if TYPE_CHECKING:
    from collections.abc import Callable

Frame = tuple[int, int, bytes]

_HEADER, _BODY = 2, 3
#: Class, weight, size of the body; then flags that say which properties follow.
_CONTENT = struct.Struct(">HHQ")
_NO_PROPERTIES = b"\0\0"


def guarded_frames(connection: Any, callback: Any) -> Callable[[Frame], bool]:  # noqa: ANN401 - py-amqp's
    """Return py-amqp's frame handler behind a filter of properties and of bodies too large."""
    handle: Callable[[Frame], bool] = frame_handler(connection, callback)
    passing: dict[int, int] = {}  # by channel: bytes of a body that are still to be skipped

    def guarded(frame: Frame) -> bool:
        kind, channel, content = frame
        if kind == _BODY and channel in passing:
            connection.bytes_recv += 1
            passing[channel] -= len(content)
            if passing[channel] <= 0:
                del passing[channel]
            return False
        if kind != _HEADER:
            return handle(frame)
        of_class, weight, size = _CONTENT.unpack_from(content)
        if size <= MAX_MESSAGE:
            return handle((kind, channel, _CONTENT.pack(of_class, weight, size) + _NO_PROPERTIES))
        passing[channel] = size
        handle((kind, channel, _CONTENT.pack(of_class, weight, len(TOO_LARGE)) + _NO_PROPERTIES))
        return handle((_BODY, channel, TOO_LARGE))

    return guarded
