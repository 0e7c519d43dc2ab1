"""What a parser promises of a chunk: its form, its limits, its conservation."""

from __future__ import annotations

import pytest

from mailtally_collector.formats import Reason, StatsParser
from tests.support import reference_parser as reference
from tests.support.parsed_records import records_of, rejects_of

LINE = b"Jun 20 18:20:14 mail.example.com in[1]: 5|a@example.net|b@example.com|69|success\n"


def lines_of_hosts(count: int) -> bytes:
    return b"".join(LINE.replace(b"mail", b"m%d" % k) for k in range(count))


def test_no_bytes_are_no_lines() -> None:
    parsed = StatsParser().parse(b"")
    assert (parsed.lines, len(parsed.columns), len(parsed.rejects)) == (0, 0, 0)


def test_an_unfinished_line_is_refused() -> None:
    with pytest.raises(ValueError, match="line feed"):
        StatsParser().parse(LINE[:-1])


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_any_kind_of_buffer_will_do(kind: type) -> None:
    assert StatsParser().parse(kind(LINE)).lines == 1


def test_a_chunk_that_can_be_written_to_is_left_as_it_is_and_is_not_held() -> None:
    chunk = bytearray(LINE)
    parsed = StatsParser().parse(chunk)
    chunk.extend(b"more")  # would be refused while an array looks into it
    assert records_of(parsed)[0].domain == "example.com"


def test_columns_have_the_types_in_which_they_travel() -> None:
    columns = StatsParser().parse(LINE + b"bad\n" + LINE).columns
    types = {
        name: str(getattr(columns, name).dtype)
        for name in ("time", "size", "attempts", "service", "host", "status", "domain")
    }
    assert types == {
        "time": "int64",
        "size": "int64",
        "attempts": "int64",
        "service": "uint8",
        "host": "uint16",
        "status": "uint8",
        "domain": "uint32",
    }


def test_beyond_200_unknown_statuses_the_rest_is_other_and_known_ones_stay() -> None:
    chunk = b"".join(LINE.replace(b"success", b"novel-%d" % (k % 300)) for k in range(600)) + LINE
    statuses = [record.status for record in records_of(StatsParser().parse(chunk))]
    assert len({*statuses}) == 202
    assert statuses.count("other") == 200
    assert statuses[199:201] == ["novel-199", "other"]
    assert statuses[-1] == "success"


def test_statuses_of_lines_without_a_domain_do_not_count_as_seen() -> None:
    nobody = LINE.replace(b"b@example.com", b"b@no domain")
    chunk = b"".join(nobody.replace(b"success", b"lost-%d" % k) for k in range(150))
    chunk += b"".join(LINE.replace(b"success", b"novel-%d" % k) for k in range(201))
    parsed = StatsParser().parse(chunk)
    records, rejects = reference.parse(chunk)
    assert records_of(parsed) == records
    assert rejects_of(parsed) == rejects


def test_a_chunk_of_too_many_hosts_keeps_the_first() -> None:
    parsed = StatsParser().parse(lines_of_hosts(65_537) + LINE.replace(b"mail", b"m0"))
    assert parsed.rejects.labels() == ["too-many-hosts"] * 2
    assert len(parsed.columns) == 65_536
    assert parsed.columns.hosts[parsed.columns.host[-1]] == "m0.example.com"


@pytest.mark.parametrize(
    "chunk",
    [
        b"\n" * 3000,
        b"".join(LINE.replace(b"b@example", b"b@d%d.example" % k) for k in range(800)),
        b"".join(LINE.replace(b"success", b"s%d" % k) for k in range(800)),
        lines_of_hosts(800),
    ],
    ids=["lines", "domains", "statuses", "hosts"],
)
def test_more_than_was_guessed_is_read_all_the_same(chunk: bytes) -> None:
    parsed = StatsParser().parse(chunk)
    records, rejects = reference.parse(chunk)
    assert records_of(parsed) == records
    assert rejects_of(parsed) == rejects


def test_reasons_fit_a_byte_and_read_as_labels() -> None:
    assert all(0 < reason < 256 for reason in Reason)
    assert Reason.TOO_MANY_HOSTS.label == "too-many-hosts"
