"""Compressed files give their content whatever the pieces, and say where it ends before its end."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import tarfile
import tracemalloc
from typing import TYPE_CHECKING

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from mailtally_collector.tail.compression import HEAD, Compression, Damage, Decoder, compression_of

if TYPE_CHECKING:
    from collections.abc import Callable


def zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor(write_checksum=True).compress(data)


def zstd_streamed(data: bytes) -> bytes:
    out = io.BytesIO()
    with zstandard.ZstdCompressor().stream_writer(out, closefd=False) as writer:
        writer.write(data)
    return out.getvalue()


PACKERS: dict[str, tuple[Compression, Callable[[bytes], bytes]]] = {
    "gzip": (Compression.GZIP, gzip.compress),
    "bzip2": (Compression.BZIP2, bz2.compress),
    "xz": (Compression.XZ, lzma.compress),
    "zstd": (Compression.ZSTD, zstd),
    "zstd streamed": (Compression.ZSTD, zstd_streamed),
}
packers = pytest.mark.parametrize(("kind", "pack"), PACKERS.values(), ids=PACKERS)
LINES = b"".join(b"line %d\n" % number for number in range(20_000))
PACKED = {(kind.value, pack): pack(LINES) for kind, pack in PACKERS.values()}


def decoded(packed: bytes, kind: Compression, most: int = 2**17) -> tuple[bytes, Damage | None]:
    decoder = Decoder(io.BytesIO(packed).read, kind)
    pieces = []
    try:
        while piece := decoder.read(most):
            assert len(piece) <= most
            pieces.append(piece)
    except Damage as damage:
        with pytest.raises(Damage):
            decoder.read(most)
        return b"".join(pieces), damage
    return b"".join(pieces), None


@packers
def test_the_first_bytes_tell_the_compression(
    kind: Compression, pack: Callable[[bytes], bytes]
) -> None:
    for content in (b"", LINES):
        assert compression_of(pack(content)[:HEAD]) is kind


@pytest.mark.parametrize(
    "text",
    [b"", b"BZh", b"BZh9 is a text\n", b"PK\n", b"Jun 20 18:20:14 mail in[1]: ", b"\0\0\0\0"],
)
def test_a_text_is_not_taken_for_compressed(text: bytes) -> None:
    assert compression_of(text) is None


def test_compressions_that_are_not_read_are_recognised() -> None:
    assert compression_of(b"\x1f\x9d\x90") is Compression.COMPRESS
    assert compression_of(b"\x04\x22\x4d\x18") is Compression.LZ4
    assert not Compression.LZ4.is_read


def archive(content: bytes, name: str = "stats") -> bytes:
    """A tar archive with one file."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
    return out.getvalue()


@pytest.mark.parametrize("name", ["stats", "n" * 100])
def test_an_archive_of_logs_is_no_log(name: str) -> None:
    packed = archive(LINES, name)
    assert compression_of(packed[:HEAD]) is Compression.TAR
    content, damage = decoded(gzip.compress(packed), Compression.GZIP)
    assert (content, str(damage)) == (b"", "it is a tar archive, not a log")


@packers
@settings(max_examples=40)
@given(data=st.data())
def test_members_and_pieces_of_any_size_give_the_content(
    kind: Compression, pack: Callable[[bytes], bytes], data: st.DataObject
) -> None:
    members = data.draw(st.lists(st.binary(max_size=300), min_size=1, max_size=4))
    padding = data.draw(st.sampled_from([0, 4, 512, 20_000]))
    packed = b"".join(map(pack, members)) + bytes(padding)
    most = data.draw(st.integers(1, 1000))
    content, damage = decoded(packed, kind, most)
    if damage is not None:  # what was drawn may look compressed itself
        assert "twice" in str(damage)
    else:
        assert content == b"".join(members)


@packers
@settings(max_examples=40)
@given(cut=st.floats(0, 1, exclude_max=True))
def test_what_is_cut_short_gives_a_prefix_and_says_so(
    kind: Compression, pack: Callable[[bytes], bytes], cut: float
) -> None:
    packed = PACKED[kind.value, pack] + pack(b"second\n")
    packed = packed[: 4 + int((len(packed) - 4) * cut)]
    content, damage = decoded(packed, kind)
    assert (LINES + b"second\n").startswith(content)
    whole = packed == PACKED[kind.value, pack]
    assert (damage is None) == whole


@packers
def test_most_of_what_is_before_the_cut_is_given(
    kind: Compression, pack: Callable[[bytes], bytes]
) -> None:
    noise = random.Random(1).randbytes(5 * 10**5)
    lines = b"".join(noise[i : i + 50].hex().encode() + b"\n" for i in range(0, len(noise), 50))
    packed = pack(lines)
    content, damage = decoded(packed[: len(packed) * 9 // 10], kind)
    assert damage is not None
    assert len(content) > 0


@packers
@settings(max_examples=40)
@given(data=st.data())
def test_a_flipped_bit_never_passes_as_other_content(
    kind: Compression, pack: Callable[[bytes], bytes], data: st.DataObject
) -> None:
    packed = bytearray(PACKED[kind.value, pack])
    packed[data.draw(st.integers(HEAD, len(packed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    content, damage = decoded(bytes(packed), kind)
    assert content == LINES or damage is not None or pack is zstd_streamed


@packers
def test_what_follows_the_end_is_damage_behind_the_whole_content(
    kind: Compression, pack: Callable[[bytes], bytes]
) -> None:
    content, damage = decoded(pack(LINES) + b"a plain line\n", kind)
    assert content == LINES
    assert damage is not None
    assert "follows" in str(damage)


@packers
def test_what_was_compressed_twice_is_refused(
    kind: Compression, pack: Callable[[bytes], bytes]
) -> None:
    content, damage = decoded(pack(gzip.compress(LINES)), kind)
    assert content == b""
    assert damage is not None
    assert "twice" in str(damage)


@packers
def test_a_bomb_is_read_in_bounded_memory(
    kind: Compression, pack: Callable[[bytes], bytes]
) -> None:
    packed = pack(bytes(2**25))
    decoder = Decoder(io.BytesIO(packed).read, kind)
    decoder.read(1)
    tracemalloc.start()
    try:
        total = sum(len(piece) for piece in iter(lambda: decoder.read(2**20), b""))
        assert tracemalloc.get_traced_memory()[1] < 2**23
    finally:
        tracemalloc.stop()
    assert total + 1 == 2**25


def test_a_frame_that_holds_nothing_is_passed_over() -> None:
    skipped = b"\x50\x2a\x4d\x18" + (20_000).to_bytes(4, "little") + bytes(20_000)
    content, damage = decoded(skipped + zstd(LINES) + skipped, Compression.ZSTD)
    assert (content, damage) == (LINES, None)


def test_a_window_larger_than_memory_is_damage() -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=28, enable_ldm=True)
    out = io.BytesIO()
    packer = zstandard.ZstdCompressor(compression_params=parameters)
    with packer.stream_writer(out, closefd=False) as writer:
        writer.write(LINES)
    _, damage = decoded(out.getvalue(), Compression.ZSTD)
    assert damage is not None
