"""The part ``stages``: the pipeline's stages one after another in one thread, each timed.

The work is that of the services, done by their own code on the embedded Redis, but without overlap:
the figures add up to the need of one core.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from zoneinfo import ZoneInfo

from mailtally.local.embedded_redis import EmbeddedRedis
from mailtally_aggregator.intake.receive import Receiver
from mailtally_aggregator.opening import open_state
from mailtally_collector.formats import Setting, warm
from mailtally_collector.formats.stats.format import StatsFormat
from mailtally_collector.ship.ledger import Ledger, Registration
from mailtally_collector.ship.publish import Publisher
from mailtally_collector.spool.batcher import Batcher, BatchLimits
from mailtally_collector.spool.spool import Spool
from mailtally_collector.tail import Tailer
from mailtally_shared.calendar import Calendar
from mailtally_shared.state.client import State, connect_state
from mailtally_shared.state.commit.batch import labels_of, open_batch
from mailtally_shared.state.commit.commit import Committer
from mailtally_shared.state.commit.merge import Reported, merge
from mailtally_shared.state.keys import StateKeys
from mailtally_shared.wire.announcement import BatchHeader, parse_announcement
from mailtally_shared.wire.payload import checksum, encode
from tools.benchmarks.capacity.redis_figures import left_behind, memory_used
from tools.benchmarks.pipeline.stopwatch import Cost, Stopwatch, costs_table, medians

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailtally_collector.spool.batcher import Gathered
    from tools.benchmarks.logs import Logs
    from tools.benchmarks.scale import Scale

#: Batches that a collector sends, and an aggregator takes, at once.
_SENT, _TAKEN = 8, 16
_HOST = "bench"
_UTC = Calendar(ZoneInfo("UTC"))
_STEP = _UTC.longest_step()


def measure(scale: Scale) -> dict[str, Any]:
    """Measure the median cost of each stage for all logs, in the order of the pipeline."""
    logs = scale.logs()
    warm()
    runs = [_once(logs) for _ in range(scale.repeat)]
    costs = medians([run.costs for run in runs])
    whole = sum(cost.cpu for cost in costs.values())
    stages = {
        stage: {**asdict(cost), "cpu_ns": cost.cpu / logs.lines * 1e9, "share": cost.cpu / whole}
        for stage, cost in costs.items()
    }
    counts = {"lines": logs.lines, "domains": scale.domains, **runs[-1].counts}
    return {**counts, "stages": stages}


def shown(found: dict[str, Any]) -> str:
    """Return a table with a line per stage."""
    costs = {
        stage: Cost(figures["wall"], figures["ours"], figures["redis"])
        for stage, figures in found["stages"].items()
    }
    return costs_table(costs, found["lines"])


def _once(logs: Logs) -> Stopwatch:
    with tempfile.TemporaryDirectory(prefix="mailtally-bench-") as temp:
        place = Path(temp)
        with EmbeddedRedis(place / "data") as server, Spool.open(place / "spool") as spool:
            state = connect_state(server.state_url)
            watch = Stopwatch(state)
            open_state(state, StateKeys(), place / "statistic")
            empty = memory_used(state)
            ledger = Ledger(state, StateKeys())
            who = Registration(_HOST, spool.collector_id, 1, "0" * 32)
            ledger.register(who, None, None, "benchmark")
            headers = _collect(logs, spool, who, watch)
            receiver = Receiver(server.broker_url, prefetch=_TAKEN)
            publisher = Publisher(server.broker_url, state)
            _ship(spool, headers, publisher, watch)
            _aggregate(receiver, state, watch)
            applied = ledger.applied(who)
            watch.counts |= {"batches": len(headers), **left_behind(state, empty)}
            receiver.close()
            publisher.reset()
    if applied.hwm != len(headers):
        raise AssertionError(f"only {applied.hwm} of {len(headers)} batches were applied")
    # The committer merges, too; the rest of its time is the request and the script.
    watch.costs["commit"] -= watch.costs["merge"]
    return watch


def _collect(logs: Logs, spool: Spool, who: Registration, watch: Stopwatch) -> list[BatchHeader]:
    """Tail, parse, batch, encode, spool."""
    tailer = Tailer([str(path) for path in logs.paths])
    tailer.scan(time.time())
    folder, batcher = StatsFormat(Setting()).folder(_STEP), Batcher(BatchLimits())
    headers: list[BatchHeader] = []
    more = True
    while more:
        with watch("tail"):
            chunk = tailer.read(time.time())
        more = chunk is not None
        if chunk is not None:
            with watch("parse"):
                parsed = folder.fold(chunk.data)
            batcher.add(chunk.span, parsed, parsed.rejects.labels(), time.time(), held=len(folder))
        if batcher.is_full or not (more or batcher.is_empty):
            with watch("batch"):
                gathered = batcher.take([folder.take()])
            with watch("encode"):
                payload = encode(gathered.rows)
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
        nonce=who.nonce,
        host=who.host,
        seq=seq,
        lines=gathered.lines,
        records=gathered.records,
        rows=len(gathered.rows),
        malformed=gathered.malformed,
        watermark=0,
        progress="{}",
        payload_key=StateKeys().payload(who.collector_id, seq, checksum(payload)),
        payload_bytes=len(payload),
        checksum=checksum(payload),
    )


def _ship(
    spool: Spool, headers: Sequence[BatchHeader], publisher: Publisher, watch: Stopwatch
) -> None:
    """Publish the spool."""
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
        with watch("receive"):
            received = receiver.collect(lambda count: count >= _TAKEN)
            announced = [
                cast("BatchHeader", parse_announcement(body)) for body in received.bodies()
            ]
        if not received.messages:
            return
        _apply(announced, committer, state, watch)
        with watch("acknowledge"):
            receiver.acknowledge(received.messages)


def _apply(group: list[BatchHeader], committer: Committer, state: State, watch: Stopwatch) -> None:
    with watch("fetch"):
        found = cast("list[bytes]", state.mget([header.payload_key for header in group]))
    with watch("decode"):
        batches = [open_batch(*pair, _UTC) for pair in zip(group, found, strict=True)]
    with watch("merge"):
        merged = merge([Reported(b.rows, labels_of(b.header)) for b in batches], _UTC)
    watch.counts["groups"] += 1
    watch.counts["keys"] += sum(len(one.keys) for day in merged.values() for one in day.values())
    watch.counts["payload_bytes"] += sum(map(len, found))
    with watch("commit"):
        committer.apply(batches, [], time.time())
