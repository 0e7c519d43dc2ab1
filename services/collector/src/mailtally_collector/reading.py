"""The reading side of the collector: tail, parse, batch, spool.

Bytes become exactly-once here. Reading hands out each stretch of a log once;
what is read lives in memory until ``_seal`` writes the batch and the file
positions that it covers in one transaction. A crash before that reads the same
stretch again; a crash after it finds the batch numbered in the spool.
"""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailtally_collector.crash_at import CrashAt
from mailtally_collector.progress import Progress
from mailtally_collector.ship import ReadUpTo
from mailtally_collector.tail.discover import log_of
from mailtally_shared.columns import END_OF_TIME, Columns
from mailtally_shared.header import BatchHeader
from mailtally_shared.payload import checksum, encode
from mailtally_shared.process.crash_points import crash_point
from mailtally_shared.process.logs import event

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailtally_collector.batcher import Batcher, Gathered
    from mailtally_collector.ledger import Registration
    from mailtally_collector.parse import ByLog, Known, Parsed
    from mailtally_collector.positions import Position
    from mailtally_collector.rejects import RejectFile
    from mailtally_collector.spool import Spool
    from mailtally_collector.tail import Chunk, Tailer
    from mailtally_shared.state.keys import StateKeys

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Sealed:
    """A batch as it will be spooled, with the positions that it covers."""

    header: BatchHeader
    payload: bytes
    positions: tuple[Position, ...]
    known: tuple[Known, ...]
    at: float


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
    ) -> None:
        self._tailer = tailer
        self._parser = parser
        self._batcher = batcher
        self._rejects = rejects
        self._spool = spool
        self._registration = registration
        self._keys = keys
        self._window = window
        self._ended = False
        #: A stretch whose malformed lines could not be kept aside yet.
        self._in_hand: Chunk | None = None
        #: What is counted beside the lines of the batch in the making.
        self._others: Counter[str] = Counter()
        #: A batch that could not be spooled yet.
        self._sealed: _Sealed | None = None
        self._read_up_to = ReadUpTo(spool.next_seq - 1, 0)

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
        self._rejects.add(chunk.rejects)
        labels += [reject.reason for reject in chunk.rejects]
        self._batcher.append(chunk.span, parsed.columns, labels, now)
        self._parser.keep(known)
        self._note_others(chunk, parsed)
        if labels:
            _tell_malformed(chunk, labels)
        crash_point(CrashAt.READ)

    def _learn(self, chunk: Chunk, now: float) -> None:
        """What is remembered of a log has to go on over lines that another has counted."""
        self._parser.learn(chunk.log, chunk.data)
        # The batch is begun, so that positions and what was learned are kept together.
        self._batcher.append(chunk.span, Columns.empty(), (), now)

    def _note_others(self, chunk: Chunk, parsed: Parsed) -> None:
        """Take note of what is neither a record nor malformed."""
        self._others["passed"] += parsed.passed
        self._others["bytes"] += chunk.span.end - chunk.span.start
        for reason, count in parsed.forgotten.items():
            self._others[f"forgotten:{reason}"] += count
        if parsed.forgotten:
            _tell_forgotten(chunk, parsed.forgotten)

    def _seal(self, now: float) -> None:
        gathered = self._batcher.take()
        payload = encode(gathered.columns)
        positions = tuple(self._tailer.positions())
        header = self._header(gathered, payload, positions)
        known = self._parser.known({log_of(position.path) for position in positions})
        self._sealed = _Sealed(header, payload, positions, known, now)
        self._store()

    def _store(self) -> None:
        """Spool the sealed batch, if there is one; it stays sealed until that succeeds."""
        sealed = self._sealed
        if sealed is None:
            return
        header = sealed.header
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
            now=sealed.at,
        )
        self._sealed = None
        self._others.clear()
        crash_point(CrashAt.SPOOLED)

    def _header(
        self, gathered: Gathered, payload: bytes, positions: tuple[Position, ...]
    ) -> BatchHeader:
        seq = self._spool.next_seq
        columns, who = gathered.columns, self._registration
        progress = Progress(
            positions=positions,
            spans=gathered.spans,
            skip=tuple(self._tailer.skips()),
        )
        return BatchHeader(
            collector_id=who.collector_id,
            epoch=who.epoch,
            host=who.host,
            seq=seq,
            lines=gathered.lines,
            records=len(columns),
            malformed=gathered.malformed,
            time_min=int(columns.time.min()) if len(columns) else None,
            time_max=int(columns.time.max()) if len(columns) else None,
            watermark=int(self._tailer.caught_up_to()),
            progress=progress.to_json(),
            payload_key=self._keys.payload(who.collector_id, seq),
            payload_bytes=len(payload),
            checksum=checksum(payload),
        )

    def _caught_up(self) -> None:
        """Everything handed out is spooled: what the tailer says of its reach is true."""
        self._spool.save_positions(self._tailer.positions())
        reach = END_OF_TIME if self._ended else int(self._tailer.caught_up_to())
        self._read_up_to = ReadUpTo(self._spool.next_seq - 1, reach, at_end=self._ended)


def _tell_forgotten(chunk: Chunk, forgotten: Mapping[str, int]) -> None:
    event(
        _log,
        logging.WARNING,
        "messages-forgotten",
        f"Forgot {sum(forgotten.values())} messages of {chunk.path} before their end.",
        file=str(chunk.path),
        **forgotten,
    )


def _tell_malformed(chunk: Chunk, labels: list[str]) -> None:
    counts = dict(sorted(Counter(labels).items()))
    event(
        _log,
        logging.WARNING,
        "malformed-lines",
        f"Kept {len(labels)} malformed lines of {chunk.path} aside.",
        file=str(chunk.path),
        **{reason.replace("-", "_"): count for reason, count in counts.items()},
    )
