"""The tailer against a model: whatever is done to the logs, no line twice, and none lost.

Lines that were destroyed before they could be read are the only ones that may be missing.
"""

from __future__ import annotations

import gzip
import shutil
import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from mailtally_collector.rotate.notes import as_seen
from mailtally_collector.rotate.packing import pack, remove
from mailtally_collector.rotate.plan import Chore, chores, moment_of_name, rotated_name
from mailtally_collector.tail.discover import Discovery
from mailtally_collector.tail.positions import Position
from mailtally_shared.runtime.lifecycle import Stop
from tests.support.tailer_machine import TailerMachine

ID = 6  # every line but the repeated ones begins with a number of so many digits
REPEATED = b"same old line"
sizes = st.one_of(st.integers(0, 40), st.sampled_from([150, 255, 256, 257, 400, 900]))


def unit(line: bytes) -> bytes:
    """What tells a line from others."""
    return REPEATED if line.startswith(REPEATED) else line[:ID]


class LogsUnderRotation(TailerMachine):
    """``stats`` is written, rotated in all ways, and followed by tailers that come and go."""

    def __init__(self) -> None:
        super().__init__(unit)
        self.directory = Path(tempfile.mkdtemp())
        self.primary = self.directory / "stats"
        self.lines = 0
        self.rotations = 0
        self.written: Counter[bytes] = Counter()  # by unit
        self.destroyed: Counter[bytes] = Counter()  # those that may be missing

    @initialize(pattern=st.sampled_from(["stats*", "stats"]))
    def begin(self, pattern: str) -> None:
        self.pattern = str(self.directory / pattern)
        self.start()

    # The writer

    def line(self, size: int) -> bytes:
        self.lines += 1
        number = b"%06d" % self.lines
        return number + (number * 200)[:size]

    def append(self, data: bytes) -> None:
        with self.primary.open("ab") as file:
            file.write(data)

    def first_lines(self, repeated: int) -> bytes:
        """What a new file begins with; nobody can tell files apart that begin all the same."""
        return (REPEATED + b"\n") * repeated + self.line(0) + b"\n"

    @rule(repeated=st.integers(0, 2), lengths=st.lists(sizes, max_size=4))
    def write(self, repeated: int, lengths: list[int]) -> None:
        lines = b"".join(self.line(n) + b"\n" for n in lengths)
        is_new = not self.primary.exists() or self.primary.stat().st_size == 0
        self.append((self.first_lines(repeated) if is_new else b"") + lines)

    @rule(size=sizes)
    def write_a_part_of_a_line(self, size: int) -> None:
        self.append(self.line(size))

    @rule(repeated=st.integers(1, 3))
    def write_the_same_again(self, repeated: int) -> None:
        if self.primary.exists() and self.primary.stat().st_size:
            begun = not self.primary.read_bytes().endswith(b"\n")
            self.append(b"\n" * begun + (REPEATED + b"\n") * repeated)

    # Rotation

    def shift(self) -> None:
        """Make room for ``stats.1``."""
        for number in range(8, 0, -1):
            for end in ("", ".gz"):
                path = self.directory / f"stats.{number}{end}"
                if path.exists():
                    path.rename(self.directory / f"stats.{number + 1}{end}")
        for end in ("", ".gz"):
            self.destroy(self.directory / f"stats.9{end}")

    @rule(create=st.booleans())
    def rename(self, create: bool) -> None:  # noqa: FBT001 - hypothesis passes it by name
        if self.primary.exists():
            self.shift()
            self.primary.rename(self.directory / "stats.1")
        if create:
            self.primary.touch()

    @rule(
        in_between=st.lists(sizes, max_size=3),
        look=st.booleans(),
        again=st.booleans(),
        repeated=st.integers(0, 2),
    )
    def copy_and_truncate(
        self, in_between: list[int], *, look: bool, again: bool, repeated: int
    ) -> None:
        if not self.primary.exists():
            return
        self.shift()
        copy = self.directory / "stats.1"
        copied = self.primary.read_bytes()
        self.look_at_half_of(copy, copied, look=look)
        copy.write_bytes(copied)
        self.append(b"".join(self.line(n) + b"\n" for n in in_between))
        if look and self.tailer:
            self.scan()
            self.read_all()
        self.note(self.primary.read_bytes(), safe=copied)
        self.primary.write_bytes(self.first_lines(repeated) if again else b"")

    def look_at_half_of(self, copy: Path, copied: bytes, *, look: bool) -> None:
        copy.write_bytes(copied[: len(copied) // 2])
        if look and self.tailer:
            self.scan()
            self.read_all()

    @rule(number=st.integers(1, 8), look=st.booleans(), times_kept=st.booleans())
    def compress(self, number: int, *, look: bool, times_kept: bool) -> None:
        plain = self.directory / f"stats.{number}"
        packed = self.directory / f"stats.{number}.gz"
        if not plain.exists() or packed.exists():
            return
        data = gzip.compress(plain.read_bytes())
        packed.write_bytes(data[: len(data) // 2])
        if look and self.tailer:
            self.scan()
            self.read_all()
        packed.write_bytes(data)
        if times_kept:
            shutil.copystat(plain, packed)
        plain.unlink()

    # Rotation by the collector itself

    @rule()
    def rename_as_the_collector_does(self) -> None:
        if self.primary.exists() and self.primary.stat().st_size:
            self.rotations = moment_of_name(self.now, self.rotations)
            self.primary.rename(rotated_name(str(self.primary), self.rotations))

    @rule(keep=st.integers(1, 3), compress=st.booleans())
    def tidy_as_the_collector_does(self, *, keep: int, compress: bool) -> None:
        """Of what is deleted so nothing may be missing."""
        found = Discovery([self.pattern]).look()
        read = [Position.from_json(value) for value in self.positions]
        seals = {file.path: file.seal for file in found}
        for chore, file in chores(as_seen(found, read), keep=keep, compress=compress):
            if chore is Chore.PACK:
                assert pack(file.path, seals[file.path], Stop())
            else:
                self.written += units_of(content_of(Path(file.path)))
                assert remove(file.path, seals[file.path])

    # Destruction

    def note(self, content: bytes, safe: bytes = b"") -> None:
        """Content goes; what of it was not read for good and is not ``safe`` may be missing."""
        units = units_of(content)
        self.written += units
        there = units_of(safe)
        self.written -= there
        self.destroyed += units - there - self.read_for_good(units - there)

    def read_for_good(self, units: Counter[bytes]) -> Counter[bytes]:
        return Counter({u: n for u, n in units.items() if u != REPEATED and self.kept[u]})

    def destroy(self, path: Path) -> None:
        if path.exists():
            self.may_doubt = True
            self.note(content_of(path))
            path.unlink()

    @rule(number=st.integers(1, 9), end=st.sampled_from(["", ".gz"]))
    def delete_a_rotated_one(self, number: int, end: str) -> None:
        self.destroy(self.directory / f"stats.{number}{end}")

    @rule(again=st.booleans(), repeated=st.integers(0, 2))
    def delete_the_primary(self, *, again: bool, repeated: int) -> None:
        self.destroy(self.primary)
        if again:  # on most file systems with the same inode, if nobody holds it
            self.append(self.first_lines(repeated))

    @rule(grow=st.lists(sizes, max_size=5), again=st.booleans())
    def empty_the_primary(self, grow: list[int], *, again: bool) -> None:
        if not self.primary.exists():
            return
        self.may_doubt |= again
        self.note(self.primary.read_bytes())
        lines = b"".join(self.line(n) + b"\n" for n in grow)
        self.primary.write_bytes(self.first_lines(0) + lines if again else b"")

    # What must hold

    @invariant()
    def nothing_comes_twice(self) -> None:
        twice = {u: n for u, n in self.delivered.items() if u != REPEATED and n > 1}
        assert not twice, twice

    def teardown(self) -> None:
        try:
            self.read_to_the_end()
            self.compare()
        finally:
            if self.tailer:
                self.tailer.close()
            shutil.rmtree(self.directory)

    def read_to_the_end(self) -> None:
        super().read_to_the_end()
        self.nothing_comes_twice()
        if self.tailer:
            assert self.tailer.caught_up_to() == self.now
            self.tailer.finish(self.now)
            self.read_all()
            assert self.tailer.backlog() == 0

    def compare(self) -> None:
        for path in self.directory.iterdir():
            self.written += units_of(content_of(path))
        unknown = self.delivered - self.written
        assert not unknown, unknown
        missing = self.written - self.delivered - self.destroyed
        assert not missing, missing


def content_of(path: Path) -> bytes:
    data = path.read_bytes()
    return gzip.decompress(data) if path.suffix == ".gz" else data


def units_of(content: bytes) -> Counter[bytes]:
    return Counter(map(unit, content.splitlines()))


TestLogsUnderRotation = LogsUnderRotation.TestCase
TestLogsUnderRotation.settings = settings(stateful_step_count=30)
