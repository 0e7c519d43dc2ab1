"""Tailers that come and go while a model does things to the logs that they follow."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from mailtally_collector.tail import Tailer
from mailtally_collector.tail.positions import Position

if TYPE_CHECKING:
    from collections.abc import Callable

#: Seconds after which a rotated file that does not change has ended.
WAIT = 60.0


class TailerMachine(RuleBasedStateMachine):
    """Counts what a tailer hands out, and forgets after a crash what was not committed.

    Args:
        unit: what tells a line from others.
        longest_line: the tailer's.
    """

    def __init__(self, unit: Callable[[bytes], bytes], longest_line: int = 200) -> None:
        super().__init__()
        self.unit = unit
        self.longest_line = longest_line
        self.pattern = ""
        self.now = 1000.0
        self.delivered: Counter[bytes] = Counter()
        self.kept: Counter[bytes] = Counter()  # what was delivered at the last commit
        self.positions: list[dict[str, Any]] = []
        self.tailer: Tailer | None = None
        self.caught_up = 0.0
        self.may_doubt = False  # a log was changed in a way that no rotation explains

    @rule()
    def scan(self) -> None:
        if self.tailer:
            self.tailer.scan(self.now)

    @rule()
    def read(self) -> None:
        self.read_one()

    @rule()
    def read_all(self) -> None:
        while self.read_one():
            pass

    def read_one(self) -> bool:
        chunk = self.tailer.read(self.now) if self.tailer else None
        if chunk is None:
            return False
        data = bytes(chunk.data)
        length = len(data) or sum(reject.length for reject in chunk.rejects)
        if chunk.rejects and chunk.rejects[0].reason != "unterminated":
            length += 1  # its line feed
        assert chunk.span.end - chunk.span.start == chunk.nuls + length > 0
        texts = data.splitlines() or [reject.kept for reject in chunk.rejects]
        self.delivered += Counter(map(self.unit, texts))
        return True

    @rule(seconds=st.sampled_from([0.1, WAIT / 2, 2 * WAIT]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def commit(self) -> None:
        if self.tailer:
            self.kept = self.delivered.copy()
            self.positions = [position.to_json() for position in self.tailer.positions()]

    @precondition(lambda self: self.tailer is not None)
    @rule(crash=st.booleans())
    def stop(self, *, crash: bool) -> None:
        if not crash:
            self.commit()
        if self.tailer:
            self.tailer.close()
        self.tailer = None
        self.delivered = self.kept.copy()

    @precondition(lambda self: self.tailer is None)
    @rule()
    def start(self) -> None:
        self.tailer = Tailer(
            [self.pattern],
            positions=map(Position.from_json, self.positions),
            chunk_size=300,
            longest_line=self.longest_line,
            rotate_wait=WAIT,
        )
        self.caught_up = 0.0

    @invariant()
    def what_is_read_stays_read(self) -> None:
        if self.tailer:
            assert self.tailer.caught_up_to() >= self.caught_up
            self.caught_up = self.tailer.caught_up_to()

    @invariant()
    def nothing_is_doubted_without_a_cause(self) -> None:
        if self.tailer and not self.may_doubt:
            assert self.tailer.found().doubts == ()

    def read_to_the_end(self) -> None:
        if self.tailer is None:
            self.start()
        for _ in range(8):  # a removed file is read to its end before its successor is judged
            self.now += 2 * WAIT
            self.scan()
            self.read_all()
