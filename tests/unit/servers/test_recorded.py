"""What was recorded of real mail servers is whole, and can be put into other forms of lines."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tests.servers.framing import iso_line, rfc3164, rfc5424
from tests.servers.recording import RECORDED, strangers

if TYPE_CHECKING:
    from pathlib import Path

LOGS = sorted(path for path in RECORDED.iterdir() if path.suffix != ".json")
TRUTHS = sorted(RECORDED.glob("*.json"))


def logs_of(truth: Path) -> str:
    return "".join(path.read_text("utf-8") for path in LOGS if path.name.startswith(truth.stem))


def test_each_log_has_a_truth_beside_it() -> None:
    stems = {path.name.partition(".")[0] for path in LOGS}
    assert stems == {path.stem for path in TRUTHS}
    assert stems


@pytest.mark.parametrize("log", LOGS, ids=lambda path: path.name)
def test_a_recorded_log_names_examples_only(log: Path) -> None:
    assert strangers(log.read_text("utf-8")) == set()


@pytest.mark.parametrize("truth", TRUTHS, ids=lambda path: path.stem)
def test_each_message_of_the_truth_is_in_its_log_with_its_size(truth: Path) -> None:
    known, log = json.loads(truth.read_text("utf-8")), logs_of(truth)
    for queue_id, size in known["sizes"].items():
        lines = [f"{line} " for line in log.splitlines() if queue_id in line]
        assert any(f"size={size}," in line or f" S={size} " in line for line in lines), queue_id
    assert all(row["messages"] > 0 and row["bytes"] > 0 for row in known["truth"])


def test_a_datagram_becomes_a_line_in_three_forms() -> None:
    datagram = b"<22>Nov  8 09:01:02 postfix/smtpd[12]: 4F2D: client=a\tb"
    now = datetime(2026, 11, 8, 9, 1, 2, 123456, tzinfo=UTC)

    line = iso_line(datagram, now, "mx1.example.net")

    rest = b"mx1.example.net postfix/smtpd[12]: 4F2D: client=a#011b\n"
    assert line == b"2026-11-08T09:01:02.123456+00:00 " + rest
    assert rfc3164(line) == b"Nov  8 09:01:02 " + rest
    assert rfc5424(line) == (
        b"<22>1 2026-11-08T09:01:02.123456+00:00 mx1.example.net postfix 12 - -  "
        b"4F2D: client=a#011b\n"
    )
