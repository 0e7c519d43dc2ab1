"""The JSON document is as its published schema says, and the CSV table says the same."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given

from mailtally_collector.statistics.documents import COLUMNS, document, write_csv
from mailtally_collector.statistics.selection import Selection
from mailtally_shared.schema import Service
from tests.support.json_schema import faults
from tests.support.statistics_counted import summary_of, told
from tests.support.statistics_sample import SAMPLE
from tests.support.traffic_lines import chunks

SCHEMA: dict[str, Any] = json.loads(
    (Path(__file__).parents[4] / "docs/reference/statistics.schema.json").read_text("utf-8")
)


@pytest.mark.parametrize("details", [True, False])
@pytest.mark.parametrize("content", [SAMPLE, b"", b"nothing of use\n"])
def test_the_document_is_as_the_schema_says(content: bytes, *, details: bool) -> None:
    assert faults(told(content, details=details), SCHEMA) == []


def test_filters_and_zones_are_in_the_document_as_the_schema_says() -> None:
    selection = Selection(
        services=frozenset({Service.IMAP, Service.SMTP_IN}),
        domains=frozenset({"example.com"}),
        statuses=frozenset({"success"}),
        since=0,
        until=2_000_000_000,
    )
    found = told(SAMPLE, selection=selection, zone=ZoneInfo("Asia/Kathmandu"))
    assert faults(found, SCHEMA) == []
    assert found["filters"]["services"] == ["smtp-in", "imap"]
    assert found["filters"]["since"] == "1970-01-01T00:00:00+00:00"
    assert found["first"].endswith("+05:45")


@given(chunks)
def test_hostile_lines_make_valid_documents_that_are_ascii_where_asked(content: bytes) -> None:
    found = told(content)
    assert faults(found, SCHEMA) == []
    assert json.loads(json.dumps(found)) == found


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"format": 2}, "$.format"),
        ({"lines": -1}, "$.lines"),
        ({"lines": True}, "$.lines"),
        ({"surprise": 1}, "surprise"),
        ({"first": "yesterday"}, "$.first"),
        ({"traffic": [{"service": "fax"}]}, "$.traffic[0].service"),
        ({"malformed": {"nul": "two"}}, "$.malformed.nul"),
    ],
)
def test_the_check_itself_finds_what_is_wrong(change: dict[str, Any], fault: str) -> None:
    assert any(fault in found for found in faults({**told(SAMPLE), **change}, SCHEMA))


def test_csv_has_every_row_of_the_document() -> None:
    summary = summary_of(SAMPLE)
    file = io.StringIO(newline="")
    write_csv(summary, file)
    rows = list(csv.DictReader(io.StringIO(file.getvalue(), newline="")))
    assert tuple(rows[0]) == COLUMNS
    found = document(summary)
    expected = {
        **{name: len(found[name]) for name in ("traffic", "waste", "hours", "malformed")},
        **{name: len(found["details"][name]["rows"]) for name in ("domains", "senders")},
        "recipients": len(found["details"]["recipients"]["rows"]),
        **{name: len(found["details"][name]) for name in ("largest", "sizes", "hours_of_day")},
    }
    assert {name: sum(row["table"] == name for row in rows) for name in expected} == expected
    assert (
        sum(int(row["bytes"]) for row in rows if row["table"] == "traffic")
        == (found["total"]["bytes"])
    )
    assert file.getvalue().count("\r\n") == len(rows) + 1
