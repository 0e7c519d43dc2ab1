"""AMQP frames on their way from the server to py-amqp, without what a sender wrote but the body.

The properties of a message are the sender's: content type and encoding, headers
(kombu obeys ``compression``), ``reply-to``, priority. They come in a frame of their
own, which goes on empty. What a channel, a delivery tag and a queue are, the
server says in other frames. The body is counted before it is kept.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from amqp.method_framing import frame_handler

from mailtally_shared.header import MAX_MESSAGE, TOO_LARGE

if TYPE_CHECKING:
    from collections.abc import Callable

Frame = tuple[int, int, bytes]

_HEADER, _BODY = 2, 3
#: Class, weight, size of the body; then come flags that say which properties follow.
_CONTENT = struct.Struct(">HHQ")
_NO_PROPERTIES = b"\0\0"


def guarded_frames(connection: Any, callback: Any) -> Callable[[Frame], bool]:  # noqa: ANN401 - py-amqp's
    """Return py-amqp's handler of frames, given no properties and no body that is too large."""
    handle: Callable[[Frame], bool] = frame_handler(connection, callback)
    passing: dict[int, int] = {}  # by channel: bytes of a body that are still passed over

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
