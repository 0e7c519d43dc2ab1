"""What the lines of each log were, and samples that show no address."""

from __future__ import annotations

import pytest

from mailtally_collector.lines_seen import LinesSeen, masked
from mailtally_shared.wire.status import MOST_SAMPLES


def test_a_log_that_turned_bad_shows_in_its_latest_lines() -> None:
    seen = LinesSeen()
    for _ in range(100):
        seen.add("/log", "stats", 1000, 1000, ())
    for _ in range(2):
        seen.add("/log", "stats", 1000, 0, ["bad-date"] * 1000)
    (log,) = seen.logs({"/log"})
    assert log.counted.share_malformed < 0.02
    assert log.latest.share_malformed == 1.0


def test_a_log_that_is_gone_is_forgotten_and_the_worst_comes_first() -> None:
    seen = LinesSeen()
    for log, reasons in (("/a", ()), ("/b", ["empty"]), ("/gone", ["empty"])):
        seen.add(log, None, 1, 1 - len(reasons), reasons)
    assert [log.path for log in seen.logs({"/a", "/b"})] == ["/b", "/a"]


def test_a_format_that_was_recognised_once_stays_known() -> None:
    seen = LinesSeen()
    seen.add("/a", "maillog", 1, 1, ())
    seen.add("/a", None, 1, 1, ())
    assert seen.logs({"/a"})[0].format == "maillog"


def test_few_samples_of_each_reason_are_kept() -> None:
    seen = LinesSeen()
    for reason in ("empty", "bad-date"):
        while seen.wants_sample(reason):
            seen.keep_sample("/a", reason, b"x")
    assert len(seen.samples()) == 2 * MOST_SAMPLES


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (b"Nov 22 in[1]: 17|bob|alice@x.example|69|success", "Nov 22 in[1]: 17|*|*|69|success"),
        (b"from=<bob@x.example> user=alice, size=5", "from=<*> user=*, size=5"),
        (b"auth bob%40x.example failed", "auth *@* failed"),
        (b'rcpt "bob smith"@x.example ok', "rcpt *@* ok"),
        (b"\x1b[31m\xff", "\\x1b[31m\\xff"),
    ],
)
def test_a_sample_shows_no_address_and_no_control_character(line: bytes, shown: str) -> None:
    assert masked(line) == shown


def test_a_sample_is_short() -> None:
    assert len(masked(b"x" * 100_000)) < 200
