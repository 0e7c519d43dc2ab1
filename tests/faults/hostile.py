"""Messages that somebody with one collector's credentials may put into the queue and the state.

Each must change nothing: no figure, no key that is not the sender's, no aggregator's life.
"""

from __future__ import annotations

import base64
import bz2
import json
from contextlib import suppress
from typing import TYPE_CHECKING, cast

import redis

from mailtally_shared.state.keys import StateKeys
from mailtally_shared.wire.queue import CONTENT_TYPE, QUEUE
from tests.faults.site import COLLECTORS, HOSTS

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

    from tests.faults.site import Site

_KEYS = StateKeys()
_BOMB = 64 * 2**20  # bytes that a small compressed body becomes
#: A name that would clear a terminal, and one that looks like a formula.
HOSTILE_NAMES = (b"\x1b[2J\x1b]0;owned\x07", b"=cmd|'/c calc'!A1")


class Hostile:
    """Sends a handful of them for one collector's host."""

    def __init__(self, site: Site, rng: random.Random) -> None:
        self._site = site
        self._rng = rng
        self.has_sent = False

    def send(self, collector: str) -> None:
        """Put them into the queue; not while Redis is away."""
        host = HOSTS[COLLECTORS.index(collector)]
        with (
            suppress(redis.RedisError),
            redis.Redis.from_url(self._site.redis.url, socket_timeout=1, retry=None) as client,
        ):
            messages = list(self._messages(client, host))
            self._rng.shuffle(messages)
            client.lpush(QUEUE, *messages)
            self.has_sent = True
            client.sadd(_KEYS.hosts, *HOSTILE_NAMES)

    def _messages(self, client: redis.Redis, host: str) -> Iterator[bytes]:
        """Envelopes of kombu's Redis transport, and what is none."""
        body = self._announcement(client, host)
        yield _envelope(bz2.compress(bytes(_BOMB)), headers={"compression": "bzip2"})
        yield _envelope(b"gASVAAAAAA==", content_type="application/x-python-serialize")
        yield _envelope(body, routing_key=_KEYS.closed_before)
        yield _envelope(body, headers={"compression": "bzip2"})
        yield _envelope(_changed(body, host=HOSTS[HOSTS.index(host) - 1]))
        yield _envelope(_changed(body, payload_key=_KEYS.format))
        yield _envelope(_changed(body, epoch=2**52))
        yield self._rng.randbytes(200)
        yield b"[" * 5000

    def _announcement(self, client: redis.Redis, host: str) -> bytes:
        """A batch of the host's own collector that it never made."""
        found = cast(
            "list[bytes | None]", client.hmget(_KEYS.registration(host), "id", "epoch", "nonce")
        )
        collector_id = (found[0] or b"0" * 32).decode("ascii", "replace")
        return json.dumps(
            {
                "version": 2,
                "kind": "batch",
                "collector_id": collector_id,
                "epoch": int(found[1] or 1),
                "nonce": (found[2] or b"0" * 32).decode("ascii", "replace"),
                "host": host,
                "seq": 10**6,
                "lines": 1,
                "records": 1,
                "watermark": 0,
                "progress": "",
                "payload_key": _KEYS.payload(collector_id, 10**6, "0" * 32),
                "payload_bytes": 100,
                "checksum": "0" * 32,
            }
        ).encode()


def _changed(body: bytes, **fields: object) -> bytes:
    return json.dumps(json.loads(body) | fields).encode()


def _envelope(
    body: bytes,
    *,
    content_type: str = CONTENT_TYPE,
    routing_key: str = QUEUE,
    headers: dict[str, str] | None = None,
) -> bytes:
    return json.dumps(
        {
            "body": base64.b64encode(body).decode(),
            "content-encoding": "binary",
            "content-type": content_type,
            "headers": headers or {},
            "properties": {
                "delivery_mode": 2,
                "delivery_info": {"exchange": "", "routing_key": routing_key},
                "priority": 0,
                "body_encoding": "base64",
                "delivery_tag": "5f0e7d0c-8d7c-4c6e-9b6d-0c3a54d8f001",
            },
        }
    ).encode()
