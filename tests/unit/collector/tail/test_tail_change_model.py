"""The tailer against a model: logs that are cut, zeroed, edited, copied, replaced and restored.

A line that nothing removed is read once. One that was removed may have been read before: it is
read once at most. Where a log is stopped, its lines come once a person says where to go on.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import shutil
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import zstandard
from hypothesis import event, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from tests.support.tailer_machine import TailerMachine

if TYPE_CHECKING:
    from collections.abc import Callable

ID = 6  # every line begins with a number of so many digits
LONGEST = 400
FEW = 100  # lines that may be lost at the end, and the last ones that were read still tell where
#: Bytes of a log that no change touches: two windows, of which one is proof. Of a shorter log it is
#: known that a longer copy next to it is taken for another one.
PROOF = 512
PLAIN = "plain"
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zstandard.compress,
}
UNPACKERS: dict[bytes, Callable[[bytes], bytes]] = {
    b"\x1f\x8b": gzip.decompress,
    b"BZ": bz2.decompress,
    b"\xfd7": lzma.decompress,
    b"\x28\xb5": lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data),
}
COPIES = ("stats.bak", "stats~", "stats-copy", "stats.7", "stats-20261122", "stats.orig.gz")
UNNAMED = {"stats.bak", "stats~", "stats-copy", "stats.orig.gz"}  # no rotated files of ``stats``
lengths = st.sampled_from([64, 65, 90, 150, 255, 257])
some = st.lists(lengths, min_size=1, max_size=4)
counts = st.sampled_from([0, 1, 2, 3, 5, 12, 40, 150])


def unit(line: bytes) -> bytes:
    """What tells a line from others."""
    return line.lstrip(b"\0")[:ID]


class LogsThatChange(TailerMachine):
    """``stats`` is written, changed under its reader, and followed by tailers that come and go."""

    def __init__(self) -> None:
        super().__init__(unit, LONGEST)
        self.directory = Path(tempfile.mkdtemp())
        self.primary = self.directory / "stats"
        self.lines = 0
        self.rest = b""  # of a line that was begun
        self.gone: set[bytes] = set()  # those that may be missing
        self.again: Counter[bytes] = Counter()  # so many times more they may come, as other lines
        self.may_stop = False
        self.time = 1_700_000_000 * 10**9  # of the last write, as ``st_mtime_ns`` has it
        self.times: dict[int, int] = {}  # of the last write to each inode
        self.glued: list[bytes] = []  # pieces of lines behind the rest of a torn one
        self.is_cut = False  # its end may be missing, and no scan has seen that
        self.lost = 0  # lines, since the tailer kept what it makes of them
        self.is_seen = True
        self.is_edited = False  # at its front: a copy that nobody saw with it is not compared
        # A second edit of its front needs the first one to be settled, where a former file is kept.
        self.is_front_edited = self.is_former_kept = False

    @initialize(pattern=st.sampled_from(["stats*", "stats"]))
    def begin(self, pattern: str) -> None:
        self.pattern = str(self.directory / pattern)
        self.start()

    # The writer

    def line(self, length: int) -> bytes:
        self.lines += 1
        number = b"%06d" % self.lines
        return (number * (length // ID + 1))[: length - 1] + b"\n"

    def append(self, data: bytes) -> None:
        """Go on where the file ends, be it in the middle of a line."""
        if self.lost > FEW:  # nothing tells these from lines that were read
            self.lose(data)
        if data and not self.rest and self.is_torn():
            self.gone.add(unit(data))
        with self.primary.open("ab") as file:
            file.write(self.rest + data)
        self.rest = b""

    def content(self) -> bytes:
        return self.primary.read_bytes() if self.primary.exists() else b""

    def is_torn(self) -> bool:
        """Return whether the log ends within a line."""
        text = self.content().rstrip(b"\0")
        return bool(text) and not text.endswith(b"\n")

    def finish(self) -> bytes:
        """What is in the log once the line that was begun has ended."""
        if self.rest:
            self.append(b"")
        return self.content()

    @rule(written=some)
    def write(self, written: list[int]) -> None:
        self.append(b"".join(map(self.line, written)))

    @rule(count=counts)
    def write_many(self, count: int) -> None:
        self.append(b"".join(self.line(80) for _ in range(count)))

    @rule(length=lengths, part=st.integers(ID, 63))
    def write_a_part_of_a_line(self, length: int, part: int) -> None:
        line = self.line(length)
        if self.is_cut:  # at a scan just now it looks like the rest of a line that was read
            self.lose(line)
        if self.is_cut or self.is_torn():
            self.glued.append(line)
        self.append(line[:part])
        self.rest = line[part:]

    # Rotation

    def shift(self) -> None:
        """Make room for ``stats.1``."""
        for number in range(8, 0, -1):
            path = self.directory / f"stats.{number}"
            for found in (path, *(path.with_name(f"{path.name}.{end}") for end in PACKERS)):
                if found.exists():
                    end = found.name[len(path.name) :]
                    to = self.directory / f"stats.{number + 1}{end}"
                    self.removes(lambda found=found, to=to: found.rename(to))  # type: ignore[misc]  # a default binds the loop's value

    def removes(self, action: Callable[[], object]) -> None:
        """Do what takes lines away; those that are in no file now may be missing."""
        before = self.present()
        action()
        self.gone |= before - self.present()

    def present(self) -> set[bytes]:
        return {unit(line) for path in self.files() for line in lines_of(path)}

    def files(self) -> list[Path]:
        """The files that the tailer is to find."""
        found = self.directory.iterdir()
        return [f for f in found if self.pattern.endswith("*") or f.name not in UNNAMED]

    @rule(create=st.booleans())
    def rename(self, *, create: bool) -> None:
        self.finish()
        if self.primary.exists():
            self.shift()
            self.primary.rename(self.directory / "stats.1")
        if create:
            self.primary.touch()

    @rule(appending=st.booleans(), look=st.booleans(), written=some)
    def copy_and_truncate(self, *, appending: bool, look: bool, written: list[int]) -> None:
        content = self.finish()
        if not content:
            return
        self.shift()
        self.removes(lambda: (self.directory / "stats.1").write_bytes(content))
        if look:
            self.look()
        self.primary.write_bytes(b"")
        if not appending:  # the writer goes on at its former place: a hole is in front of it
            os.truncate(self.primary, len(content))
            self.append(b"".join(map(self.line, written)))

    @rule(number=st.integers(1, 8), packer=st.sampled_from(sorted(PACKERS)), look=st.booleans())
    def compress(self, number: int, packer: str, *, look: bool) -> None:
        plain = self.directory / f"stats.{number}"
        packed = self.directory / f"stats.{number}.{packer}"
        if plain.exists() and not packed.exists() and plain.read_bytes()[:2] not in UNPACKERS:
            packed.write_bytes(PACKERS[packer](plain.read_bytes()))
            if look:
                self.look()
            plain.unlink()

    def look(self) -> None:
        self.scan()
        self.read_all()

    # Change

    def lose(self, content: bytes) -> None:
        """Have lines gone; a torn one among them may come again."""
        self.gone |= {unit(line) for line in content.splitlines()}

    def cut_at(self, at: int) -> tuple[bytes, bytes]:
        """What is in front of a place near the log's end, and what is behind it, which is lost."""
        self.rest, content = b"", self.content()
        begin = content.rfind(b"\n", 0, at) + 1
        if at - begin < ID:
            at = begin
        if at > begin:
            self.again[unit(content[begin:at])] += 1
        self.lose(content[min(at, begin) :])
        return content[:at], content[at:]

    @rule(
        lines=st.sampled_from([0, 1, 2, 5, 20, 140]),
        within=st.integers(0, 90),
        zeros=st.booleans(),
        written=st.lists(lengths, max_size=3),
    )
    def lose_power(self, lines: int, within: int, *, zeros: bool, written: list[int]) -> None:
        """The log loses its end, or has zeros there, and may be written on at once."""
        content = self.content()
        kept = content.splitlines(keepends=True)
        if len(kept) < lines + 2 or not is_proof(kept[: len(kept) - lines - 1]):
            return  # its first lines are all that proves it to be the same
        self.may_stop = True
        self.loses(lines + 2)
        at = len(b"".join(kept[: len(kept) - lines])) - within
        front, lost = self.cut_at(max(at, len(kept[0])))
        if zeros:
            with self.primary.open("r+b") as file:
                file.seek(len(front))
                file.write(bytes(len(lost)))
        else:
            os.truncate(self.primary, len(front))
        self.append(b"".join(map(self.line, written)))

    @rule(
        where=st.integers(1, 300),
        removed=st.integers(0, 3),
        inserted=st.lists(lengths, max_size=2),
        in_place=st.booleans(),
        from_end=st.booleans(),
    )
    def edit(
        self, where: int, removed: int, inserted: list[int], *, in_place: bool, from_end: bool
    ) -> None:
        """Take lines out and put others in."""
        kept = self.finish().splitlines(keepends=True)
        at = max(1, len(kept) - where) if from_end else min(where, len(kept))
        if not is_proof(kept[:at]):
            return
        self.may_stop = self.is_cut = True
        new = [self.line(length) for length in inserted]
        self.lose(b"".join(kept[at : at + removed] + new))
        self.put(b"".join(kept[:at] + new + kept[at + removed :]), in_place=in_place)

    @rule(
        removed=st.sampled_from([1, 2, 3, 8, 40]),
        in_place=st.booleans(),
        to_removed=st.lists(lengths, max_size=2),
        look=st.booleans(),
    )
    def take_out_first_lines(
        self, removed: int, to_removed: list[int], *, in_place: bool, look: bool
    ) -> None:
        """As ``sed -i 1d`` does; who writes may go on for a while in the file that is removed."""
        if self.is_former_kept:
            self.settle_front()
        kept = self.finish().splitlines(keepends=True)
        copied = {unit(line) for f in self.files() if f != self.primary for line in lines_of(f)}
        if len(kept) <= removed or not copied.isdisjoint(map(unit, kept)):
            return  # a copy of it is a log of its own, where both are first seen
        self.may_stop = self.may_doubt = self.is_edited = self.is_front_edited = True
        self.is_cut = True
        with self.primary.open("ab") as former:
            self.lose(b"".join(kept[:removed]))
            self.put(b"".join(kept[removed:]), in_place=in_place)
            if look:
                self.look()
            if not in_place:
                new = b"".join(map(self.line, to_removed))
                self.lose(new)
                former.write(new)

    @precondition(lambda self: self.tailer is not None)
    @rule(
        removed=st.sampled_from([1, 2, 3, 8, 40]),
        written=st.lists(lengths, max_size=2),
        to_former=st.lists(lengths, max_size=2),
        look=st.booleans(),
    )
    def take_out_first_lines_and_keep_the_former_file(
        self, removed: int, written: list[int], to_former: list[int], *, look: bool
    ) -> None:
        """As ``sed -i.bak 1d`` does of a log that is followed."""
        if self.is_front_edited:
            self.settle_front()
        self.look()
        self.commit()
        is_read = b"\n" in self.content()  # what nobody knows of is not compared
        self.append(b"".join(map(self.line, written)))
        kept = self.finish().splitlines(keepends=True)
        copied = {unit(line) for f in self.files() if f != self.primary for line in lines_of(f)}
        is_known = is_read and copied.isdisjoint(map(unit, kept)) and is_proof(kept[removed:])
        has_holes = any(line.startswith(b"\0") for line in kept)
        if not is_known or has_holes or (self.directory / "stats.bak").exists():
            return
        self.may_stop = self.may_doubt = self.is_edited = True
        self.is_front_edited = self.is_former_kept = True
        with self.primary.open("ab") as former:
            self.primary.rename(self.directory / "stats.bak")
            self.put(b"".join(kept[removed:]), in_place=False)
            if look:
                self.look()
            former.write(b"".join(map(self.line, to_former)))

    @rule(where=st.integers(1, 300), length=lengths, in_place=st.booleans())
    def change_a_line(self, where: int, length: int, *, in_place: bool) -> None:
        kept = self.finish().splitlines(keepends=True)
        at = max(1, len(kept) - where)
        if at >= len(kept) or not is_proof(kept[:at]):
            return
        self.may_stop = True
        self.lose(kept[at])
        self.again[unit(kept[at])] += 1
        kept[at] = (unit(kept[at]) + b"x" * length)[: length - 1] + b"\n"
        self.put(b"".join(kept), in_place=in_place)

    @precondition(lambda self: self.tailer is not None)
    @rule(in_place=st.booleans())
    def mask(self, *, in_place: bool) -> None:
        """Change every line of a log that is read; it is counted again, and that is known."""
        assert self.tailer
        content = self.finish()
        kept = content.splitlines(keepends=True)
        is_alone = [*self.directory.iterdir()] == [self.primary]
        if not is_alone or not is_proof(kept) or b"\0" in content or min(map(len, kept)) <= ID:
            return
        masked = [unit(line) + b"x" * (len(line) - ID - 1) + b"\n" for line in kept]
        self.read_to_the_end()
        is_begun = masked[0] == kept[0]  # what is masked already stays, and is no other log
        if self.tailer.stopped() or self.tailer.backlog() or is_begun:
            return
        self.may_doubt = True
        self.again.update(map(unit, kept))
        self.put(b"".join(masked), in_place=in_place)
        self.look()
        assert str(self.primary) in {doubt.path for doubt in self.tailer.found().doubts}

    def put(self, content: bytes, *, in_place: bool) -> None:
        """Write the log as an editor does, or ``cp``; or into a new file that takes its name."""
        if in_place:
            self.primary.write_bytes(content)
        else:
            new = self.directory / ".new"
            new.write_bytes(content)
            new.rename(self.primary)

    @rule(in_place=st.booleans())
    def replace_by_a_copy(self, *, in_place: bool) -> None:
        content = self.finish()
        if is_proof([content]):
            self.put(content, in_place=in_place)

    @rule(back=counts, in_place=st.booleans(), written=st.lists(lengths, max_size=3))
    def restore(self, back: int, *, in_place: bool, written: list[int]) -> None:
        """Put an older copy in the log's place, and perhaps write on at once."""
        kept = self.finish().splitlines(keepends=True)
        if not kept:
            return
        self.may_stop = True
        front = kept[: max(1, len(kept) - back)]
        if not is_proof(front):
            return
        self.loses(len(kept) - len(front))
        self.lose(b"".join(kept[len(front) :]))
        self.put(b"".join(front), in_place=in_place)
        self.append(b"".join(map(self.line, written)))

    @rule(
        source=st.sampled_from(["stats", "stats.1", "stats.2"]),
        name=st.sampled_from(COPIES),
        packer=st.sampled_from([PLAIN, *sorted(PACKERS)]),
    )
    def copy(self, source: str, name: str, packer: str) -> None:
        self.finish()
        path = self.directory / source
        if path.exists():
            pack = PACKERS.get(packer, bytes)
            packed = pack(content_of(path))
            self.removes(lambda: (self.directory / name).write_bytes(packed))

    @rule(name=st.sampled_from((*COPIES, "stats", "stats.1", "stats.2")))
    def delete(self, name: str) -> None:
        self.finish()
        self.may_doubt = True
        self.see()
        self.removes(lambda: (self.directory / name).unlink(missing_ok=True))

    @rule(length=st.sampled_from([1, 300, 5000]), written=some)
    def leave_a_hole(self, length: int, written: list[int]) -> None:
        self.finish()
        if self.primary.exists():
            with self.primary.open("ab") as file:
                file.truncate(file.tell() + length)
            self.append(b"".join(map(self.line, written)))

    def tick(self) -> None:
        """Give each file that was written to a later time: the system's clock may not have one."""
        for path in self.directory.iterdir():
            stat = path.stat()
            if self.times.get(stat.st_ino) != stat.st_mtime_ns:
                self.time += 1_000_000
                os.utime(path, ns=(self.time, self.time))
                self.times[stat.st_ino] = self.time

    def read_one(self) -> bool:
        self.tick()
        return super().read_one()

    @rule()
    def scan(self) -> None:
        self.tick()
        super().scan()
        self.is_seen = self.tailer is not None
        self.is_cut &= not self.is_seen

    def settle_front(self) -> None:
        self.read_to_the_end()
        self.is_front_edited = self.is_former_kept = False

    def see(self) -> None:
        """Scan before a file goes, where a log may be without its first lines, and have a copy."""
        if self.is_edited:
            self.scan()

    @rule()
    def commit(self) -> None:
        super().commit()
        if self.tailer and self.is_seen:
            self.lost = 0

    def loses(self, lines: int) -> None:
        self.is_cut = True
        self.lost += lines
        self.may_doubt |= self.lost > FEW
        self.is_seen = False

    # A person

    @precondition(lambda self: self.tailer is not None)
    @rule()
    def settle(self) -> None:
        """Say of each stopped log that it is read on behind the last line that was counted."""
        assert self.tailer
        self.read_all()  # the one that is counted comes first
        for log in self.tailer.stopped():
            event(f"stopped: {log.reason}")
            if not Path(log.path).exists():  # what was removed is not read from its beginning
                self.tailer.settle(log.path, log.since, None)
                continue
            lines = lines_of(Path(log.path))
            counted = [n for n, line in enumerate(lines) if self.delivered[unit(line)]]
            first = counted[-1] + 1 if counted else 0
            self.lose(b"\n".join(lines[:first]))
            self.tailer.settle(log.path, log.since, first + 1)

    # What must hold

    @invariant()
    def nothing_comes_twice(self) -> None:
        twice = {u: n for u, n in self.delivered.items() if n > 1 + self.again[u]}
        assert not twice, twice

    @invariant()
    def nothing_is_stopped_without_a_cause(self) -> None:
        if self.tailer and not self.may_stop:
            assert not self.tailer.stopped()

    def teardown(self) -> None:
        try:
            self.finish()
            self.read_to_the_end()
            for _ in range(4):
                self.nothing_comes_twice()
                self.settle()
                self.read_to_the_end()
            self.compare()
        finally:
            if self.tailer:
                self.tailer.close()
            shutil.rmtree(self.directory)

    def compare(self) -> None:
        self.nothing_comes_twice()
        assert self.tailer
        assert not self.tailer.stopped()
        self.tailer.finish(self.now)
        self.read_all()
        self.nothing_comes_twice()
        missing = self.present() - self.gone - self.delivered.keys()
        assert not missing, sorted(missing)
        unknown = {u for u in self.delivered if not u.isdigit() or int(u) > self.lines}
        unknown = {u for u in unknown if not any(u in piece for piece in self.glued)}
        assert not unknown, unknown


def is_proof(lines: list[bytes]) -> bool:
    """Whether so much of a log tells it from every other one."""
    return sum(len(line.lstrip(b"\0")) for line in lines) >= PROOF


def content_of(path: Path) -> bytes:
    data = path.read_bytes()
    unpack = UNPACKERS.get(data[:2], bytes)
    return unpack(data)


def lines_of(path: Path) -> list[bytes]:
    return [line for line in content_of(path).splitlines() if line.strip(b"\0")]


TestLogsThatChange = LogsThatChange.TestCase
# Always the same examples, so that a change that fails is the one that broke it. Of those drawn at
# random about one in five thousand still fails (docs/explanation/reliability.md, known
# limits): to look for more, MAILTALLY_TEST_EXAMPLES says how many are drawn.
EXAMPLES = os.environ.get("MAILTALLY_TEST_EXAMPLES")
TestLogsThatChange.settings = (
    settings(stateful_step_count=30, max_examples=int(EXAMPLES))
    if EXAMPLES
    else settings(stateful_step_count=30, derandomize=True)
)
