"""The figures equal an independent count of the same lines, whatever is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given

from mailtally.samples.sample_logs import Truth, write_log
from mailtally_collector.statistics.selection import Selection
from mailtally_shared.schema import Service
from tests.support.statistics_counted import expected, read, told
from tests.support.traffic_lines import chunks

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.reference_parser import Record

BEGIN, DAY = 1_771_200_000, 86_400
NOON = BEGIN + DAY // 2
NAMES = ("domains", "senders", "recipients")


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, Truth]:
    """Two thousand lines of two days, every tenth of them hostile."""
    path: Path = tmp_path_factory.mktemp("log") / "stats"
    truth = write_log(
        path,
        host="mail1.example.com",
        lines=2000,
        start=BEGIN,
        end=BEGIN + 2 * DAY,
        seed=11,
        domains=40,
        hostile=0.1,
    )
    return path.read_bytes(), truth


FILTERS: dict[str, tuple[Selection, Callable[[Record], bool]]] = {
    "everything": (Selection(), lambda _: True),
    "mailboxes": (
        Selection(services=frozenset({Service.IMAP, Service.POP3})),
        lambda record: record.service.label in {"imap", "pop3"},
    ),
    "lists": (
        Selection(services=frozenset({Service.MAILLIST})),
        lambda record: record.service.label == "maillist",
    ),
    "a domain": (
        Selection(domains=frozenset({"alder0.example", "nobody.example"})),
        lambda record: record.domain == "alder0.example",
    ),
    "an international domain": (
        Selection(domains=frozenset({"xn--bcher-kva.example"})),
        lambda record: record.domain == "xn--bcher-kva.example",
    ),
    "two statuses": (
        Selection(statuses=frozenset({"timeout", "rejspam"})),
        lambda record: record.status in {"timeout", "rejspam"},
    ),
    "from": (Selection(since=NOON), lambda record: record.time >= NOON),
    "to": (Selection(until=NOON), lambda record: record.time < NOON),
    "all of them": (
        Selection(
            services=frozenset({Service.SMTP_IN}),
            domains=frozenset({"alder0.example", "birch1.example"}),
            statuses=frozenset({"success"}),
            since=BEGIN + 3600,
            until=BEGIN + DAY,
        ),
        lambda record: (
            record.service is Service.SMTP_IN
            and record.domain in {"alder0.example", "birch1.example"}
            and record.status == "success"
            and BEGIN + 3600 <= record.time < BEGIN + DAY
        ),
    ),
    "nothing": (Selection(statuses=frozenset({"never"})), lambda _: False),
}


def as_counted(document: dict[str, Any]) -> dict[str, Any]:
    """The document's tables in the form of the independent count."""
    details = document["details"]
    return {
        **{
            name: document[name]
            for name in ("lines", "records", "malformed", "first", "last", "total")
        },
        "traffic": {
            (row.pop("service"), row.pop("direction"), row.pop("status")): row
            for row in document["traffic"]
        },
        "hours": {row.pop("hour"): row for row in document["hours"]},
        **{name: {row.pop("name"): row for row in details[name]["rows"]} for name in NAMES},
        "hours_of_day": {
            row.pop("hour"): row for row in details["hours_of_day"] if row["messages"]
        },
    }


@pytest.mark.parametrize("name", FILTERS)
def test_every_table_is_right_for_each_filter(log: tuple[bytes, Truth], name: str) -> None:
    selection, wanted = FILTERS[name]
    assert as_counted(told(log[0], selection=selection, top=None)) == expected(log[0], wanted)


def test_the_filters_of_these_tests_choose_something(log: tuple[bytes, Truth]) -> None:
    chosen = {name: told(log[0], selection=FILTERS[name][0])["total"] for name in FILTERS}
    assert [name for name, total in chosen.items() if not total["messages"]] == ["nothing"]


def test_the_totals_are_what_the_generator_knows_it_wrote(log: tuple[bytes, Truth]) -> None:
    content, truth = log
    document = told(content)
    assert document["lines"] == truth.lines
    assert sum(document["malformed"].values()) == truth.malformed
    assert document["total"]["messages"] == len(truth.time)
    assert document["total"]["bytes"] == int(truth.size.sum())
    extra = truth.size * (np.maximum(truth.attempts, 1) - 1)
    assert document["total"]["again"] == int(extra.sum())
    sums = dict.fromkeys(Service, 0)
    for service, size in zip(truth.service.tolist(), truth.size.tolist(), strict=True):
        sums[Service(service)] += size
    for service in Service:
        rows = [row for row in document["traffic"] if row["service"] == service.label]
        assert sum(row["bytes"] for row in rows) == sums[service]


def test_sizes_and_largest_messages_are_right(log: tuple[bytes, Truth]) -> None:
    content, truth = log
    details = told(content, top=25)["details"]
    for row in details["sizes"]:
        inside = (truth.size >= row["least"]) & (truth.size < (row["below"] or 2**60))
        assert row["messages"] == int(inside.sum())
        assert row["bytes"] == int(truth.size[inside].sum())
    assert sum(row["messages"] for row in details["sizes"]) == len(truth.size)
    order = np.argsort(-truth.size, kind="stable")[:25]
    assert [row["bytes"] for row in details["largest"]] == truth.size[order].tolist()
    lines, _ = read(content)
    spelled = [(lines[k].sender.decode(), lines[k].recipient.decode()) for k in order.tolist()]
    assert [(row["sender"], row["recipient"]) for row in details["largest"]] == spelled


def test_malformed_lines_are_shown_where_they_stand(log: tuple[bytes, Truth]) -> None:
    content, _ = log
    _, malformed = read(content)
    for row in told(content)["details"]["malformed"]:
        first = [entry for entry in malformed if entry[1] == row["reason"]][:3]
        shown = [(example["offset"], example["length"]) for example in row["examples"]]
        assert shown == [(offset, len(line)) for offset, _, line in first]


def test_the_top_is_the_top_of_the_whole(log: tuple[bytes, Truth]) -> None:
    for by in ("messages", "bytes", "wasted"):
        whole = told(log[0], top=None, by=by)["details"]
        top = told(log[0], top=7, by=by)["details"]
        for name in NAMES:
            assert top[name]["rows"] == whole[name]["rows"][:7]
            figures = [row[by] for row in whole[name]["rows"]]
            assert figures == sorted(figures, reverse=True)
            assert top[name]["distinct"] == len(whole[name]["rows"])


def test_the_figures_do_not_depend_on_how_the_log_is_cut(log: tuple[bytes, Truth]) -> None:
    assert told(log[0], buffer=70_001) == told(log[0], buffer=2**22)


@given(chunks)
def test_hostile_bytes_are_counted_as_the_reference_reads_them(content: bytes) -> None:
    lines, malformed = read(content)
    document = told(content)
    assert document["records"] == len(lines)
    assert document["lines"] == len(lines) + len(malformed)
    assert document["total"]["bytes"] == sum(line.record.size for line in lines)
    rows = document["details"]["senders"]["rows"]
    assert sum(row["messages"] for row in rows) <= len(lines)
    assert document["details"]["senders"]["distinct"] == len({line.sender for line in lines})
    assert document["details"]["recipients"]["distinct"] == len({line.recipient for line in lines})


LINE = b"Jun 20 18:20:14 mail.example.com out[1]: %d|a@example.com|b@example.net|%d|%s|%d\n"


def test_a_sum_stops_at_its_limit_and_does_not_turn_negative() -> None:
    content = LINE % (5, 2**53 - 1, b"success", 1024) * 3
    total = told(content)["total"]
    assert total["messages"] == 3
    assert total["bytes"] == 3 * (2**53 - 1)
    assert total["again"] == 2**63 - 1


def test_unknown_statuses_beyond_two_hundred_are_called_other() -> None:
    content = b"".join(LINE % (5, 1, b"s%d" % k, 1) for k in range(300))
    for buffer in (2**17, 2**20):
        rows = told(content, buffer=buffer)["traffic"]
        assert len(rows) == 201
        assert {row["messages"] for row in rows if row["status"] == "other"} == {100}


def test_times_far_apart_are_counted_by_hour_all_the_same() -> None:
    content = b"".join(LINE % (time, 7, b"success", 1) for time in (0, 253_402_214_399, 3599))
    hours = told(content)["hours"]
    assert [(row["hour"], row["messages"]) for row in hours] == [
        ("1970-01-01T00:00:00+00:00", 2),
        ("9999-12-30T23:00:00+00:00", 1),
    ]
