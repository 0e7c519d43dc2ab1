"""Where the time goes: the pipeline's stages one after another, in one thread, each timed.

The work is that of the services, done with their own parts on the embedded Redis, but with no
overlap: the figures add up to what one core would need, waiting for disk and Redis included.
"""

from __future__ import annotations

import tempfile
import time
from collections import defaultdict
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, cast
from zoneinfo import ZoneInfo

from benchmarks.table import aligned
from mailtally.embedded_redis import EmbeddedRedis
from mailtally_aggregator.commit import Committer
from mailtally_aggregator.intake import GroupLimits, groups, open_batch
from mailtally_aggregator.merge import merge
from mailtally_aggregator.opening import open_state
from mailtally_aggregator.receive import Receiver
from mailtally_collector.batcher import Batcher, BatchLimits
from mailtally_collector.ledger import Ledger, Registration
from mailtally_collector.parse import StatsParser, warm
from mailtally_collector.publish import Publisher
from mailtally_collector.spool import Spool
from mailtally_collector.tail import Tailer
from mailtally_shared.calendar import Calendar
from mailtally_shared.header import BatchHeader, parse_announcement
from mailtally_shared.payload import checksum, encode
from mailtally_shared.state.client import State, connect_state
from mailtally_shared.state.keys import StateKeys

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.logs import Logs
    from mailtally_collector.batcher import Gathered

#: Batches that a collector sends in one go, and an aggregator takes in one go.
_SENT, _TAKEN = 8, 32
_HOST = "bench"
_UTC = Calendar(ZoneInfo("UTC"))

Seconds = dict[str, float]


class Stopwatch:
    """Adds up the seconds of each stage."""

    def __init__(self) -> None:
        self.seconds: Seconds = defaultdict(float)

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Time the block as part of a stage."""
        begin = time.perf_counter()
        yield
        self.seconds[stage] += time.perf_counter() - begin


def measure(logs: Logs, repeat: int) -> Seconds:
    """Median seconds of each stage for all of the logs, in the order of a record's way."""
    warm()
    runs = [_once(logs) for _ in range(repeat)]
    return {stage: median(run[stage] for run in runs) for stage in runs[0]}


def stages_table(seconds: Seconds, lines: int) -> str:
    """A line a stage: nanoseconds a record, and the stage's share of the whole."""
    total = sum(seconds.values())
    rows = [("stage", "ns/record", "share")]
    rows += [_row(stage, spent, total, lines) for stage, spent in seconds.items()]
    return aligned([*rows, _row("all", total, total, lines)])


def _row(stage: str, seconds: float, total: float, lines: int) -> tuple[str, str, str]:
    return stage, f"{seconds / lines * 1e9:,.0f}", f"{seconds / total:.0%}"


def _once(logs: Logs) -> Seconds:
    watch = Stopwatch()
    with tempfile.TemporaryDirectory(prefix="mailtally-bench-") as temp:
        place = Path(temp)
        with EmbeddedRedis(place / "data") as server, Spool.open(place / "spool") as spool:
            state = connect_state(server.state_url)
            open_state(state, StateKeys(), place / "statistic")
            ledger = Ledger(state, StateKeys())
            who = ledger.register(_HOST, spool.collector_id, 0)
            headers = _collect(logs, spool, who, watch)
            receiver = Receiver(server.broker_url, prefetch=_TAKEN)
            publisher = Publisher(server.broker_url, state)
            _ship(spool, headers, publisher, watch)
            _aggregate(receiver, state, watch)
            applied = ledger.applied(who)
            receiver.close()
            publisher.reset()
    if applied.hwm != len(headers):
        raise AssertionError(f"only {applied.hwm} of {len(headers)} batches were applied")
    # The committer merges too; what is left of its time is the request and the script.
    watch.seconds["commit"] -= watch.seconds["merge"]
    return watch.seconds


def _collect(logs: Logs, spool: Spool, who: Registration, watch: Stopwatch) -> list[BatchHeader]:
    """Tail, parse, batch, encode, spool."""
    tailer = Tailer([str(path) for path in logs.paths])
    tailer.scan(time.time())
    parser, batcher = StatsParser(), Batcher(BatchLimits())
    headers: list[BatchHeader] = []
    more = True
    while more:
        with watch("tail"):
            chunk = tailer.read(time.time())
        more = chunk is not None
        if chunk is not None:
            with watch("parse"):
                parsed = parser.parse(chunk.data)
            batcher.append(chunk.span, parsed.columns, parsed.rejects.labels(), time.time())
        if batcher.is_full or not (more or batcher.is_empty):
            with watch("batch"):
                gathered = batcher.take()
            with watch("encode"):
                payload = encode(gathered.columns)
                header = _header(who, len(headers) + 1, gathered, payload)
            with watch("spool"):
                spool.commit(
                    header.model_dump_json(),
                    payload,
                    tailer.positions(),
                    rejects=0,
                    counters={"records": header.records},
                    now=time.time(),
                )
            headers.append(header)
    tailer.close()
    return headers


def _header(who: Registration, seq: int, gathered: Gathered, payload: bytes) -> BatchHeader:
    return BatchHeader(
        collector_id=who.collector_id,
        epoch=who.epoch,
        host=who.host,
        seq=seq,
        lines=gathered.lines,
        records=len(gathered.columns),
        malformed=gathered.malformed,
        watermark=0,
        progress="{}",
        payload_key=StateKeys().payload(who.collector_id, seq),
        payload_bytes=len(payload),
        checksum=checksum(payload),
    )


def _ship(
    spool: Spool, headers: Sequence[BatchHeader], publisher: Publisher, watch: Stopwatch
) -> None:
    """Publish what is spooled."""
    for first in range(0, len(headers), _SENT):
        with watch("publish"):
            publisher.batches(
                [
                    (batch.header.encode(), headers[batch.seq - 1].payload_key, batch.payload)
                    for batch in spool.pending(first, _SENT)
                ]
            )


def _aggregate(receiver: Receiver, state: State, watch: Stopwatch) -> None:
    """Receive, fetch, decode, merge, commit."""
    committer = Committer(state, StateKeys(), _UTC)
    while True:
        begin = time.perf_counter()
        received = receiver.collect(lambda count: count >= _TAKEN)
        if not received.messages:
            return
        watch.seconds["receive"] += time.perf_counter() - begin
        announced = [cast("BatchHeader", parse_announcement(body)) for body in received.bodies()]
        for group in groups(announced, GroupLimits()):
            _apply(group, committer, state, watch)
        with watch("acknowledge"):
            receiver.acknowledge(received)


def _apply(group: list[BatchHeader], committer: Committer, state: State, watch: Stopwatch) -> None:
    with watch("fetch"):
        found = cast("list[bytes]", state.mget([header.payload_key for header in group]))
    with watch("decode"):
        batches = [open_batch(*pair) for pair in zip(group, found, strict=True)]
    with watch("merge"):
        merge([batch.columns for batch in batches], _UTC)
    with watch("commit"):
        committer.apply(batches, [], time.time())
