"""The reading side of the collector: tail, parse, batch, spool.

Bytes become exactly-once here. Reading hands out each stretch of a log once;
what is read lives in memory until ``_seal`` writes the batch and the file
positions that it covers in one transaction. A crash before that reads the same
stretch again; a crash after it finds the batch numbered in the spool.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mailtally_collector.crash_at import CrashAt
from mailtally_collector.line_events import log_forgotten, log_malformed, log_skipped
from mailtally_collector.lines_seen import LinesSeen
from mailtally_collector.progress import Progress
from mailtally_collector.ship import ReadUpTo
from mailtally_collector.touched import HOUR
from mailtally_shared.columns import END_OF_TIME, Columns
from mailtally_shared.header import BatchHeader
from mailtally_shared.payload import checksum, encode
from mailtally_shared.process.crash_points import crash_point

if TYPE_CHECKING:
    from mailtally_collector.batcher import Batcher, Gathered
    from mailtally_collector.ledger import Registration
    from mailtally_collector.parse import ByLog, Known, Parsed
    from mailtally_collector.positions import Position
    from mailtally_collector.rejects import RejectFile
    from mailtally_collector.spool import Spool
    from mailtally_collector.tail import Chunk, Tailer
    from mailtally_shared.state.keys import StateKeys

#: What ``Tailer.noted`` returns is kept under this name in the spool.
NOTED = "noted"
#: The tailer's doubts are kept under this one.
DOUBTS = "doubts"


@dataclass(frozen=True, slots=True)
class _Sealed:
    """A batch as it will be spooled, with the positions that it covers."""

    header: BatchHeader
    payload: bytes
    positions: tuple[Position, ...]
    known: tuple[Known, ...]
    at: float
    hours: tuple[int, ...]  # of its records, in UTC since 1970


class Reading:
    """Turns the logs of one mail host into spooled batches; ``turn`` is its loop's body."""

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
    ) -> None:
        self._tailer = tailer
        self._parser = parser
        self._batcher = batcher
        self._rejects = rejects
        self._spool = spool
        self._registration = registration
        self._keys = keys
        self._window = window
        #: What the lines of each log were.
        self.seen = seen or LinesSeen()
        self._ended = False
        #: A stretch whose malformed lines could not be kept aside yet.
        self._in_hand: Chunk | None = None
        #: What is counted beside the lines of the batch in the making.
        self._others: Counter[str] = Counter()
        #: A batch that could not be spooled yet.
        self._sealed: _Sealed | None = None
        self._read_up_to = ReadUpTo(spool.next_seq - 1, 0)
        self._noted = tailer.noted()
        self._doubts = tailer.doubts.to_json()

    def learn_what_is_behind(self) -> None:
        """Read again what was counted, where lines in it tell what later ones mean.

        For who knows nothing of the logs, but where reading stands: a state directory was lost, and
        the ledger told. Call it once, after a look at the directories.
        """
        for log in self._tailer.logs():
            for chunk in self._tailer.behind(log):
                if not self._parser.learn(log, chunk.data):
                    break

    @property
    def read_up_to(self) -> ReadUpTo:
        """How far everything is read *and spooled*; safe to ask from another thread."""
        return self._read_up_to

    @property
    def is_held_up(self) -> bool:
        """The window is full: the log on disk is the buffer until batches are applied."""
        return self._spool.unapplied_count() >= self._window

    def turn(self, now: float) -> bool:
        """Read one stretch, and spool a batch if one is full; false when all is read.

        Raises:
            Unavailable: the disk does not take it. Nothing is lost: the next turn
                goes on with what this one had in hand.
        """
        self._store()
        chunk = self._in_hand or self._tailer.read(now)
        if chunk is None:
            return False
        self._in_hand = chunk
        self._take(chunk, now)
        self._in_hand = None
        if self._batcher.is_full:
            self._seal(now)
        return True

    def pause(self, now: float) -> None:
        """Nothing more is to be read at the moment: spool what has waited long enough.

        Raises:
            Unavailable: see ``turn``.
        """
        self._store()
        if self._batcher.is_ready(now):
            self._seal(now)
        if self._batcher.is_empty:
            self._caught_up()

    def waits(self, now: float) -> float | None:
        """Seconds until a begun batch should be spooled, though nothing comes."""
        return self._batcher.waits(now)

    def flush(self, now: float) -> None:
        """Spool what is in memory.

        Raises:
            Unavailable: see ``turn``.
        """
        self._store()
        if not self._batcher.is_empty:
            self._seal(now)
        self._caught_up()

    def end(self) -> None:
        """The input has ended: everything is read, and was spooled by ``flush``."""
        self._ended = True
        self._caught_up()

    def _take(self, chunk: Chunk, now: float) -> None:
        if chunk.counted:
            self._learn(chunk, now)
            return
        parsed, known = self._parser.parse(chunk.log, chunk.data)
        self._rejects.add_parsed(chunk, parsed.rejects)
        labels = parsed.rejects.labels()
        self._keep_samples(chunk, parsed, labels)
        self._rejects.add(chunk.rejects)
        labels += [reject.reason for reject in chunk.rejects]
        self._batcher.append(chunk.span, parsed.columns, labels, now)
        self._parser.keep(known)
        self._note_others(chunk, parsed)
        lines = parsed.lines + parsed.passed + len(chunk.rejects)
        name = known.format if known else None
        self.seen.add(chunk.log, name, lines, len(parsed.columns), labels)
        if labels:
            log_malformed(chunk, labels)
        crash_point(CrashAt.READ)

    def _learn(self, chunk: Chunk, now: float) -> None:
        """What is remembered of a log has to go on over lines that another has counted."""
        self._parser.learn(chunk.log, chunk.data)
        # The batch is begun, so that positions and what was learned are kept together.
        self._batcher.append(chunk.span, Columns.empty(), (), now)

    def _keep_samples(self, chunk: Chunk, parsed: Parsed, labels: list[str]) -> None:
        if not any(map(self.seen.wants_sample, set(labels))):
            return
        spans = zip(parsed.rejects.start.tolist(), parsed.rejects.end.tolist(), strict=True)
        for (start, end), label in zip(spans, labels, strict=True):
            if self.seen.wants_sample(label):
                self.seen.keep_sample(chunk.log, label, bytes(chunk.data[start:end]))

    def _note_others(self, chunk: Chunk, parsed: Parsed) -> None:
        """Take note of what is neither a record nor malformed."""
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
        gathered = self._batcher.take()
        payload = encode(gathered.columns)
        positions = tuple(self._tailer.positions())
        header = self._header(gathered, payload, positions)
        known = self._parser.known(self._tailer.logs_followed())
        hours = tuple(np.unique(gathered.columns.time // HOUR).tolist())
        self._sealed = _Sealed(header, payload, positions, known, now, hours)
        self._store()

    def _store(self) -> None:
        """Spool the sealed batch, if there is one; it stays sealed until that succeeds."""
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
        columns, who = gathered.columns, self._registration
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
            records=len(columns),
            malformed=gathered.malformed,
            time_min=int(columns.time.min()) if len(columns) else None,
            time_max=int(columns.time.max()) if len(columns) else None,
            watermark=int(self._tailer.caught_up_to()),
            progress=progress.to_json(),
            payload_key=self._keys.payload(who.collector_id, seq, digest),
            payload_bytes=len(payload),
            checksum=digest,
        )

    def _caught_up(self) -> None:
        """Everything handed out is spooled: what the tailer says of its reach is true."""
        self._keep_doubts()
        self._spool.save_positions(self._tailer.positions())
        self._keep_noted()
        is_all = self._ended and not self._tailer.stopped()
        reach = END_OF_TIME if is_all else int(self._tailer.caught_up_to())
        self._read_up_to = ReadUpTo(self._spool.next_seq - 1, reach, at_end=self._ended)

    def _keep_doubts(self) -> None:
        """Keep what is doubtful of the logs before the positions: those tell it no more."""
        doubts = self._tailer.doubts.to_json()
        if doubts != self._doubts:
            self._spool.set_meta(DOUBTS, doubts)
            self._doubts = doubts

    def _keep_noted(self) -> None:
        """Keep what dates the troubles with the logs; losing the last hour of it loses no gap."""
        noted = self._tailer.noted()
        if not noted.is_kept_by(self._noted):
            self._spool.set_meta(NOTED, noted.to_json())
            self._noted = noted
