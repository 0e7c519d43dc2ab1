"""The reading half of the collector: tail, parse, batch, spool.

This is where reading becomes exactly-once. The tail hands out each chunk of a log once; what is
read stays in memory until ``_seal`` writes the batch and the file positions that it covers in one
transaction. After a crash before that, the same chunk is read again; after a later one, the batch
is in the spool, numbered.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mailtally_collector.crash_at import CrashAt
from mailtally_collector.formats import Origin
from mailtally_collector.lines_seen import LinesSeen, log_forgotten, log_malformed, log_skipped
from mailtally_collector.ship.shipping import ReadUpTo
from mailtally_collector.spool.progress import Progress
from mailtally_collector.spool.touched import HOUR
from mailtally_shared.rows import UNFOLDED
from mailtally_shared.runtime.crash_points import crash_point
from mailtally_shared.schema import END_OF_TIME
from mailtally_shared.wire.announcement import BatchHeader
from mailtally_shared.wire.payload import checksum, encode

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailtally_collector.formats import ByLog, FoldedChunk, Known
    from mailtally_collector.ship.ledger import Registration
    from mailtally_collector.spool.batcher import Batcher, Gathered
    from mailtally_collector.spool.rejects import RejectFile
    from mailtally_collector.spool.spool import Spool
    from mailtally_collector.tail import Chunk, Tailer
    from mailtally_collector.tail.positions import Position
    from mailtally_shared.state.keys import StateKeys

#: The name in the spool of what ``Tailer.noted`` returns.
NOTED = "noted"
#: The name in the spool of the tailer's doubts.
DOUBTS = "doubts"


def origin_of(chunk: Chunk) -> Origin:
    """Return the file that a chunk was read from, as a format needs to know it."""
    return Origin(chunk.modified, begins=chunk.span.start == 0)


@dataclass(frozen=True, slots=True)
class _Sealed:
    """A batch ready to be spooled, with the positions that it covers."""

    header: BatchHeader
    payload: bytes
    positions: tuple[Position, ...]
    known: tuple[Known, ...]
    at: float
    hours: tuple[int, ...]  # of its records, in UTC since 1970


class Reading:
    """The reader that turns a mail host's logs into spooled batches; ``turn`` is one step."""

    def __init__(
        self,
        *,
        tailer: Tailer,
        parser: ByLog,
        batcher: Batcher,
        rejects: RejectFile,
        spool: Spool,
        registration: Registration,
        keys: StateKeys,
        window: int,
        seen: LinesSeen | None = None,
        step: Callable[[], int] = lambda: UNFOLDED,
    ) -> None:
        self._tailer = tailer
        self._parser = parser
        self._batcher = batcher
        self._rejects = rejects
        self._spool = spool
        self._registration = registration
        self._keys = keys
        self._window = window
        #: The step of the next batch, and of the one being gathered.
        self._next_step = step
        self._step = UNFOLDED
        #: Counts and samples of each log's lines.
        self.seen = seen or LinesSeen()
        self._ended = False
        #: A chunk whose malformed lines could not be written to the reject file yet.
        self._in_hand: Chunk | None = None
        self._parsed: tuple[FoldedChunk, Known | None] | None = None
        #: Counters of the batch being gathered, other than lines and records.
        self._others: Counter[str] = Counter()
        #: A batch that could not be spooled yet.
        self._sealed: _Sealed | None = None
        self._read_up_to = ReadUpTo(spool.next_seq - 1, 0)
        self._noted = tailer.noted()
        self._doubts = tailer.doubts.to_json()

    def learn_what_is_behind(self) -> None:
        """Parse counted lines again where later lines depend on them.

        For a collector whose state directory was lost: it has its positions from the ledger, but no
        parser state. Call it once, after a scan of the directories.
        """
        for log in self._tailer.logs():
            for chunk in self._tailer.behind(log):
                if not self._parser.learn(log, chunk.data, origin_of(chunk)):
                    break

    @property
    def read_up_to(self) -> ReadUpTo:
        """Return how far everything is read *and spooled*; safe to call from another thread."""
        return self._read_up_to

    @property
    def is_held_up(self) -> bool:
        """Return whether the window is full, and the log on disk is to buffer for now."""
        return self._spool.unapplied_count() >= self._window

    def turn(self, now: float) -> bool:
        """Read one chunk, and spool the batch if it is full; return false when all is read.

        Raises:
            Unavailable: the disk fails. Nothing is lost: the next turn continues with the same
                chunk.
        """
        self._store()
        chunk = self._in_hand or self._tailer.read(now)
        if chunk is None:
            return False
        self._in_hand = chunk
        self._take_in_hand(now)
        if self._batcher.is_full:
            self._seal(now)
        return True

    def pause(self, now: float) -> None:
        """Spool a batch that has waited long enough; call it when all is read for now.

        Raises:
            Unavailable: see ``turn``.
        """
        self._store()
        self._take_in_hand(now)
        if self._batcher.is_ready(now):
            self._seal(now)
        if self._batcher.is_empty:
            self._caught_up()

    def waits(self, now: float) -> float | None:
        """Return the seconds until a begun batch is to be spooled even if nothing is added."""
        return self._batcher.waits(now)

    def flush(self, now: float) -> None:
        """Spool the batch in memory.

        Raises:
            Unavailable: see ``turn``.
        """
        self._store()
        self._take_in_hand(now)
        if not self._batcher.is_empty:
            self._seal(now)
        self._caught_up()

    def end(self) -> None:
        """Note that the input has ended; everything read was spooled by ``flush``."""
        self._ended = True
        self._caught_up()

    def _take_in_hand(self, now: float) -> None:
        """Take the chunk in hand, if any: positions are those after all that was handed out."""
        if self._in_hand is not None:
            self._take(self._in_hand, now)
            self._in_hand = None

    def _take(self, chunk: Chunk, now: float) -> None:
        if chunk.counted:
            self._learn(chunk, now)
            return
        if self._parsed is None:  # a chunk in hand is parsed: its sums are in the rows already
            if self._batcher.is_empty:
                self._step = self._next_step()
            self._parsed = self._parser.fold(chunk.log, chunk.data, self._step, origin_of(chunk))
        parsed, known = self._parsed
        self._rejects.add_parsed(chunk, parsed.rejects)
        labels = parsed.rejects.labels()
        self._keep_samples(chunk, parsed, labels)
        self._rejects.add(chunk.rejects)
        labels += [reject.reason for reject in chunk.rejects]
        self._batcher.add(chunk.span, parsed, labels, now, held=self._parser.rows_held)
        self._parsed = None
        self._parser.keep(known)
        self._note_others(chunk, parsed)
        lines = parsed.lines + parsed.passed + len(chunk.rejects)
        name = known.format if known else None
        self.seen.add(chunk.log, name, lines, parsed.records, labels)
        self.seen.add_programs(chunk.log, parsed.programs)
        if labels:
            log_malformed(chunk, labels)
        crash_point(CrashAt.READ)

    def _learn(self, chunk: Chunk, now: float) -> None:
        """Update a log's parser state from lines that another collector has counted."""
        self._parser.learn(chunk.log, chunk.data, origin_of(chunk))
        # This begins a batch, so that the positions and the parser state are stored together.
        self._batcher.append(chunk.span, now)

    def _keep_samples(self, chunk: Chunk, parsed: FoldedChunk, labels: list[str]) -> None:
        if not any(map(self.seen.wants_sample, set(labels))):
            return
        spans = zip(parsed.rejects.start.tolist(), parsed.rejects.end.tolist(), strict=True)
        for (start, end), label in zip(spans, labels, strict=True):
            if self.seen.wants_sample(label):
                self.seen.keep_sample(chunk.log, label, bytes(chunk.data[start:end]))

    def _note_others(self, chunk: Chunk, parsed: FoldedChunk) -> None:
        """Count what is neither a record nor malformed."""
        self._others["passed"] += parsed.passed
        self._others["bytes"] += chunk.span.end - chunk.span.start
        for reason, count in parsed.forgotten.items():
            self._others[f"forgotten:{reason}"] += count
        if parsed.forgotten:
            log_forgotten(chunk, parsed.forgotten)
        if nuls := chunk.nuls + parsed.nuls:
            self._others["skipped:nul"] += nuls
            log_skipped(chunk, nuls)

    def _seal(self, now: float) -> None:
        gathered = self._batcher.take(self._parser.taken())
        payload = encode(gathered.rows)
        positions = tuple(self._tailer.positions())
        header = self._header(gathered, payload, positions)
        known = self._parser.known(self._tailer.logs_followed())
        hours = tuple(np.unique(gathered.rows.start // HOUR).tolist())
        self._sealed = _Sealed(header, payload, positions, known, now, hours)
        self._store()

    def _store(self) -> None:
        """Spool the sealed batch, if there is one; keep it until that succeeds."""
        sealed = self._sealed
        if sealed is None:
            return
        header = sealed.header
        self._keep_doubts()
        kept = self._rejects.sync()
        crash_point(CrashAt.REJECTS_KEPT)
        self._spool.commit(
            header.model_dump_json(),
            sealed.payload,
            sealed.positions,
            rejects=kept,
            counters={"lines": header.lines, "records": header.records}
            | {f"malformed:{reason}": count for reason, count in header.malformed.items()}
            | self._others,
            known=sealed.known,
            hours=sealed.hours,
            now=sealed.at,
        )
        self._sealed = None
        self._others.clear()
        crash_point(CrashAt.SPOOLED)

    def _header(
        self, gathered: Gathered, payload: bytes, positions: tuple[Position, ...]
    ) -> BatchHeader:
        seq, digest = self._spool.next_seq, checksum(payload)
        who, times = self._registration, gathered.times
        progress = Progress(
            positions=positions,
            spans=gathered.spans,
            skip=tuple(self._tailer.skips()),
        )
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
            time_min=times[0] if times else None,
            time_max=times[1] if times else None,
            watermark=int(self._tailer.caught_up_to()),
            progress=progress.to_json(),
            payload_key=self._keys.payload(who.collector_id, seq, digest),
            payload_bytes=len(payload),
            checksum=digest,
        )

    def _caught_up(self) -> None:
        """Publish the tailer's reach, which holds now that everything handed out is spooled."""
        self._keep_doubts()
        self._spool.save_positions(self._tailer.positions())
        self._keep_noted()
        is_all = self._ended and not self._tailer.stopped()
        reach = END_OF_TIME if is_all else int(self._tailer.caught_up_to())
        self._read_up_to = ReadUpTo(self._spool.next_seq - 1, reach, at_end=self._ended)

    def _keep_doubts(self) -> None:
        """Store the doubts about the logs before the positions, which no longer show them."""
        doubts = self._tailer.doubts.to_json()
        if doubts != self._doubts:
            self._spool.set_meta(DOUBTS, doubts)
            self._doubts = doubts

    def _keep_noted(self) -> None:
        """Store the dates of troubles with the logs; losing the last hour of them loses no gap."""
        noted = self._tailer.noted()
        if not noted.is_kept_by(self._noted):
            self._spool.set_meta(NOTED, noted.to_json())
            self._noted = noted
