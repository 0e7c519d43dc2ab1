"""The boundary to C: the same structures on both sides, and arrays of the kind that C expects."""

from __future__ import annotations

import subprocess
from ctypes import Structure, sizeof
from typing import TYPE_CHECKING

import numpy as np
import pytest

from mailtally_collector.formats.engine.domain import normalised
from mailtally_collector.formats.maillog.sentences import QMAIL
from mailtally_kernel import Limits, Program, StatsFolder, interface, left_by, read_stats, restored
from mailtally_kernel.queue import DELIVERY, MESSAGE, RECIPIENT
from mailtally_kernel.stats import ROW_SIZE
from tests.architecture.source_tree import ROOT

if TYPE_CHECKING:
    from pathlib import Path

HOST = b"mail.example.com"
AGE = 2**40
LINE = b"Jun 20 18:20:14 mail.example.com in[1]: 5|a@example.net|b@example.com|69|success\n"
SENTENCE = b"@4000000038c3eeb027f6b0a4 info msg 1: bytes 9 from <a@example.org> qp 1 uid 2\n"
#: ``kernel.h`` has other names for what ends the fields.
ENUMS = {
    f"MT_{name}": int(value)
    for enum in (interface.Stop, interface.Field, interface.Event, interface.Op)
    for name, value in enum.__members__.items()
    if value is not interface.Field.END
} | {"MT_ABI": interface.ABI, "MT_FIELDS": int(interface.Field.END)}
ROWS = {"mt_message": MESSAGE, "mt_recipient": RECIPIENT, "mt_delivery": DELIVERY}


def structures() -> dict[str, type[Structure]]:
    """Return the structures of ``interface.py`` by their names in C, which their docstrings are."""
    found = [one for one in vars(interface).values() if isinstance(one, type)]
    kinds = [one for one in found if issubclass(one, Structure) and one is not Structure]
    return {str(kind.__doc__).strip("`."): kind for kind in kinds}


def expected() -> dict[str, int]:
    """Return the size of each structure, each field's place, each constant's value."""
    values = ENUMS | {"sizeof(struct mt_row)": ROW_SIZE}
    for name, kind in structures().items():
        values[f"sizeof(struct {name})"] = sizeof(kind)
        for field, *_ in kind._fields_:
            values[f"offsetof(struct {name}, {field})"] = getattr(kind, field).offset
    for name, row in ROWS.items():
        values[f"sizeof(struct {name})"] = row.itemsize
        for field, (_, place, *_) in (row.fields or {}).items():
            values[f"offsetof(struct {name}, {field})"] = place
    return values


def test_structures_rows_and_constants_are_those_of_the_header(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "kernel/backend"))
    backend = __import__("kernel_compiler")
    wanted = expected()
    checks = (f"_Static_assert({what} == {value}, {what!r});" for what, value in wanted.items())
    header = ROOT / "kernel/c/kernel.h"
    lines = ["#include <stddef.h>", f'#include "{header}"', *checks]
    source = tmp_path / "layout.c"
    source.write_text("\n".join(lines).replace("'", '"') + "\n")
    command = [*backend.compiler().command, "-std=c11", "-fsyntax-only", str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert len(wanted) > 150


@pytest.mark.parametrize(
    "chunk",
    [
        np.frombuffer(LINE * 2, np.uint8)[::2],
        np.frombuffer(LINE, np.uint8)[::-1],
        np.frombuffer(LINE * 8, np.uint64),
        np.frombuffer(LINE * 2, np.uint8).reshape(2, -1),
    ],
    ids=["gaps", "backwards", "words", "two-dimensional"],
)
def test_an_array_that_is_no_row_of_bytes_is_refused(chunk: np.ndarray) -> None:
    queue = restored(b"", HOST, np.zeros(1, np.uint8), AGE)
    for read in (
        lambda: read_stats(chunk, normalised),
        lambda: StatsFolder(normalised).fold(chunk),
        lambda: queue.read(chunk, Program(QMAIL), normalised),
    ):
        with pytest.raises(ValueError, match="array of bytes without gaps"):
            read()


@pytest.mark.parametrize("offset", [-1, len(LINE) + 1])
def test_an_offset_outside_of_the_chunk_is_refused(offset: int) -> None:
    with pytest.raises(ValueError, match="not in a chunk"):
        StatsFolder(normalised).fold(np.frombuffer(LINE, np.uint8), offset)


def test_names_of_a_queue_are_looked_for_in_the_chunk_that_was_read_only() -> None:
    chunk, other = (np.frombuffer(SENTENCE * n, np.uint8) for n in (2, 1))
    queue = restored(b"", HOST, chunk, AGE)
    queue.read(chunk, Program(QMAIL), normalised)
    with pytest.raises(ValueError, match="for one chunk"):
        queue.read(other, Program(QMAIL), normalised)
    with pytest.raises(ValueError, match="for one chunk"):
        left_by(queue, other, Limits(AGE, 10))
    assert b"example.org" in left_by(queue, chunk, Limits(AGE, 10)).state
