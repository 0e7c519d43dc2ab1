"""The join and the plain reference parser agree, at every size of table, within the chunk."""

from __future__ import annotations

import os
import random
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest

from mailtally_collector.formats.engine.domain import normalised
from mailtally_collector.formats.maillog.sentences import QMAIL
from mailtally_collector.formats.stats.parser import parsed_of
from mailtally_kernel import Limits, Program, left_by, restored
from mailtally_kernel.queue import Queue, Room
from tests.fuzz.mutate import Mutator
from tests.support.kernel_records import between_forbidden_pages
from tests.support.logs import BEGIN
from tests.support.parsed_records import records_of, rejects_of
from tests.support.reference_maillog import Reference
from tools.samples.maillogs import play

if TYPE_CHECKING:
    from mailtally_collector.formats import Parsed

HOST = b"mail.example.com"
PROGRAM = Program(QMAIL)
#: Lines of the seeded generator; ten million take some minutes on a core.
INPUTS = int(os.environ.get("MAILTALLY_KERNEL_INPUTS", "20000"))
#: The plain parser forgets nothing for its age, and damage may change the year.
AGE = 2**60
STAMP = b"@4000000038c3eeb027f6b0a4 "
TOKENS = [
    *(b"new msg ", b"info msg ", b"end msg ", b"starting delivery ", b"delivery ", b"success: "),
    *(b"failure: ", b"deferral: ", b" to local ", b" to remote ", b": msg ", b": bytes ", b"> qp "),
    *(b"@", b"[", b"\0", b"\r", b" uid ", b"+", b".", b"9007199254740992", b"288230376151711745"),
    *(b"#@[]", b"\xc3\xa4", b"<", b">", b" ", b"qmail: ", b"qmail[1]: ", STAMP),
]


def parsed_in(chunk: bytes, queue: Queue) -> Parsed:
    return parsed_of(queue.read(np.frombuffer(chunk, np.uint8), PROGRAM, normalised))


def assert_agree(chunks: list[bytes]) -> None:
    reference, state, passed = Reference(HOST), b"", 0
    for chunk in chunks:
        data = np.frombuffer(chunk, np.uint8)
        queue = restored(state, HOST, data, AGE)
        lines = queue.read(data, PROGRAM, normalised)
        state = left_by(queue, data, Limits(AGE, 10**6)).state
        records, rejects = reference.parse(chunk)
        parsed, passed = parsed_of(lines), passed + lines.passed
        assert records_of(parsed) == records
        assert rejects_of(parsed) == rejects
        assert passed == reference.passed


def damaged(seed: int) -> Mutator:
    run = play(40, start=BEGIN, seed=seed)
    lines = [line.rstrip(b"\n") for line in (*run.syslog(), *run.multilog())]
    return Mutator(random.Random(seed), lines, TOKENS)


def test_seeded_damage_of_usual_lines_in_chunks() -> None:
    for seed in range(max(1, INPUTS // 5000)):
        rng, mutator = random.Random(seed), damaged(seed)
        run = play(60, start=BEGIN, seed=seed)
        lines = (run.syslog() if seed % 2 else run.multilog()) * 2
        for _ in range(2500):
            lines.insert(rng.randrange(len(lines)), mutator.make().replace(b"\n", b"") + b"\n")
        edges = sorted(rng.randrange(len(lines)) for _ in range(3))
        cuts = [0, *edges, len(lines)]
        chunks = [b"".join(lines[a:b]) for a, b in pairwise(cuts)]
        assert_agree([chunk for chunk in chunks if chunk])


def test_tables_that_are_full_at_every_line_change_nothing() -> None:
    run = play(300, start=BEGIN, seed=5, every=0.01)
    hosts = [b" h%d.example " % n for n in range(40)]
    lines = [
        line.replace(b" mail.example.com ", hosts[k % 7 * k % 40])
        for k, line in enumerate(run.syslog())
    ]
    chunk = b"".join([*run.syslog(), *lines, *run.syslog()])
    little = Queue(HOST, np.zeros(0, np.uint8), AGE, Room(0, 0, 0))
    parsed = parsed_in(chunk, little)
    reference = Reference(HOST)
    assert (records_of(parsed), rejects_of(parsed)) == reference.parse(chunk)
    assert len(parsed.columns) > 500


def test_no_byte_next_to_a_chunk_or_a_saved_name_is_read() -> None:
    run = play(20, start=BEGIN, seed=7).multilog()
    for length in range(1, len(run), 7):
        first = np.frombuffer(b"".join(run[:length]), np.uint8)
        queue = restored(b"", HOST, first, AGE)
        queue.read(first, PROGRAM, normalised)
        state = left_by(queue, first, Limits(AGE, 100)).state
        for at_the_end in (False, True):
            with between_forbidden_pages(b"".join(run[length:]), at_the_end=at_the_end) as chunk:
                queue = restored(state, HOST, chunk, AGE)
                assert not len(queue.read(chunk, PROGRAM, normalised).rejects["start"])


def test_hosts_beyond_the_limit_are_malformed_lines() -> None:
    def said(host: int, text: bytes) -> bytes:
        return b"Sep 14 09:58:09 h%d qmail: 1063526289.2 %b\n" % (host, text)

    texts = (
        b"info msg 1: bytes 5 from <a@b.example> qp 1 uid 2",
        b"starting delivery 1: msg 1 to remote c@d.example",
        b"delivery 1: success: ok/",
    )
    chunk = b"".join(said(host, text) for host in range(65_537) for text in texts)
    parsed = parsed_in(chunk, restored(b"", b"own", np.frombuffer(chunk, np.uint8), AGE))
    assert parsed.rejects.labels() == ["too-many-hosts"] * 2
    assert len(parsed.columns) == 65_535


@pytest.mark.parametrize("host", [b"", b"x" * 256, b"a\nb", b"\xc3\xa4"])
def test_a_host_that_no_collector_can_have_is_refused(host: bytes) -> None:
    with pytest.raises(ValueError, match="not the name of a host"):
        Queue(host, np.zeros(0, np.uint8), AGE, Room(1, 1, 1))


def test_a_chunk_has_to_end_with_a_line_feed() -> None:
    with pytest.raises(ValueError, match="line feed"):
        parsed_in(b"x", Queue(HOST, np.zeros(0, np.uint8), AGE, Room(1, 1, 1)))
