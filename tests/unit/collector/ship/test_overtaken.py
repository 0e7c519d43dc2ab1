"""What a shipper does when the state has another start, or batches that its spool never made."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, cast

import pytest

from mailtally_collector.ship.ledger import Applied, Displaced, Registration
from mailtally_collector.ship.shipping import ReadUpTo, ShipLimits, Shipper
from mailtally_collector.ship.window import Patience, Window
from mailtally_collector.spool.spool import Spool
from mailtally_shared.errors import Fenced
from mailtally_shared.wire.announcement import BatchHeader, parse_announcement
from tests.support.records import NONCE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from mailtally_collector.ship.ledger import Ledger
    from mailtally_collector.ship.publish import Publisher

LATER = "e" * 32
OWN, OTHER = "1" * 32, "2" * 32


class State:
    """A ledger and a queue: what is sent is only noted."""

    def __init__(self) -> None:
        self.registered = NONCE
        self.applied_now = Applied(0, frozenset())
        self.checksum: str | None = OWN
        self.sent: list[tuple[int, int, str]] = []  # seq, epoch, nonce
        self.watermarks: list[int] = []
        self.signs_of_life = 0

    def applied(self, registration: Registration) -> Applied:
        if registration.nonce != self.registered:
            raise Displaced(registration.host)
        return self.applied_now

    def checksums(self, _: str, numbers: Iterable[int]) -> list[str | None]:
        return [self.checksum for _ in numbers]

    def show_life(self, _: Registration) -> None:
        self.signs_of_life += 1

    def batches(self, batches: Iterable[tuple[bytes, str, bytes]]) -> None:
        for announcement, _, _ in batches:
            header = parse_announcement(announcement)
            assert isinstance(header, BatchHeader)
            self.sent.append((header.seq, header.epoch, header.nonce))
            self.watermarks.append(header.watermark)

    def heartbeat(self, _: object) -> None:
        pass

    def waiting(self) -> int:
        return 0


class Sending:
    """A collector that has spooled one batch, before a restart."""

    def __init__(self, spool: Spool) -> None:
        self.state = State()
        self.spool = spool
        who = Registration("mail1", spool.collector_id, 1, NONCE)
        self.spool_another()
        self.shipper = Shipper(
            spool=spool,
            ledger=cast("Ledger", self.state),
            publisher=cast("Publisher", self.state),
            window=Window(Patience(), random.Random(1)),
            registration=who,
            renew=lambda: Registration("mail1", spool.collector_id, 2, LATER),
            read_up_to=lambda: ReadUpTo(1, 0),
            stated=lambda now: now,
            limits=ShipLimits(),
        )

    def spool_another(self, watermark: int = 0) -> None:
        header = BatchHeader(
            collector_id=self.spool.collector_id,
            epoch=1,
            nonce="0" * 32,
            host="mail1",
            seq=self.spool.next_seq,
            lines=0,
            records=0,
            rows=0,
            watermark=watermark,
            progress="",
            payload_key="payload",
            payload_bytes=1,
            checksum=OWN,
        )
        self.spool.commit(header.to_bytes().decode(), b"1", (), rejects=0, counters={}, now=1.0)


@pytest.fixture
def sending(tmp_path: Path) -> Iterator[Sending]:
    with Spool.open(tmp_path) as spool:
        yield Sending(spool)


def test_a_batch_of_a_former_start_is_sent_in_the_name_of_the_present_one(
    sending: Sending,
) -> None:
    sending.shipper.turn(10.0)
    assert sending.state.sent == [(1, 1, NONCE)]


def test_after_it_registered_again_everything_is_sent_again_at_once(sending: Sending) -> None:
    sending.shipper.turn(10.0)
    sending.state.registered = LATER
    for now in (10.1, 10.2):
        sending.shipper.turn(now)
    assert sending.state.sent == [(1, 1, NONCE), (1, 2, LATER)]


@pytest.mark.parametrize(
    ("applied", "checksum"),
    [
        (Applied(2, frozenset()), OWN),
        (Applied(1, frozenset({5})), OWN),
        (Applied(1, frozenset()), OTHER),
        (Applied(1, frozenset()), None),
    ],
)
def test_batches_in_the_ledger_that_the_spool_never_made_stop_it(
    sending: Sending, applied: Applied, checksum: str | None
) -> None:
    sending.state.applied_now, sending.state.checksum = applied, checksum
    with pytest.raises(Fenced, match="never made"):
        sending.shipper.turn(10.0)


def test_its_own_batches_do_not(sending: Sending) -> None:
    sending.state.applied_now = Applied(1, frozenset())
    assert sending.shipper.turn(10.0) > 0


def test_a_collector_at_work_gives_a_sign_of_life_once_a_heartbeat(sending: Sending) -> None:
    for now in (10.0, 11.0, 29.0, 30.0, 31.0):
        sending.shipper.turn(now)
    assert sending.state.signs_of_life == 2


def test_what_a_former_start_with_a_clock_ahead_had_read_is_not_claimed(sending: Sending) -> None:
    sending.spool_another(watermark=10**9)
    sending.shipper.turn(10.0)
    assert sending.state.watermarks == [0, 0]
