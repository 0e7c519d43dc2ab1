"""The page for people: golden pages, widths, colours, and nothing hostile on the terminal."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailtally_collector.statistics.figures import Figures
from mailtally_collector.statistics.grid import bar, cells_of, curve, human_size, shortened
from mailtally_collector.statistics.page import share, table
from mailtally_collector.statistics.part import Wanted
from mailtally_collector.statistics.reading import Counting
from mailtally_collector.statistics.selection import Selection
from mailtally_collector.statistics.source import Buffers
from mailtally_collector.statistics.summary import Question, summarised
from mailtally_collector.statistics.sums import Sums
from mailtally_collector.statistics.terminal import Look, look_of
from mailtally_shared.schema import Service
from mailtally_shared.shown import printable
from tests.support.statistics_counted import BUFFER, stream_of, summary_of
from tests.support.statistics_golden import LOOKS, golden, page
from tests.support.statistics_sample import SAMPLE
from tests.support.traffic_lines import chunks

if TYPE_CHECKING:
    from collections.abc import Mapping

COLOURS = re.compile(r"\x1b\[\d+m")


@pytest.mark.parametrize("name", LOOKS)
def test_the_page_looks_as_it_did(name: str) -> None:
    assert page(name) == golden(name).read_text("utf-8"), (
        "run `python -m tests.support.statistics_golden` and look at what changed"
    )


@pytest.mark.parametrize("name", [name for name in LOOKS if LOOKS[name].short])
def test_no_table_is_wider_than_the_terminal(name: str) -> None:
    width = LOOKS[name].width
    wide = [line for line in page(name).splitlines() if cells_of(COLOURS.sub("", line)) > width]
    # Sentences are not cut: a terminal folds them.
    assert [line for line in wide if not line.rstrip().endswith(".")] == [] or width < 80


def test_colours_change_nothing_but_colours() -> None:
    assert COLOURS.sub("", page("statistics-80-colour")) == page("statistics-80")


def test_what_goes_into_a_pipe_is_exact_and_whole() -> None:
    piped = page("statistics-piped")
    assert "carol.with.a.rather.long.name.that.has.to.be.cut.somewhere@example.com" in piped
    assert "\x1b" not in piped
    assert not re.search(r"\d,\d{3}|[KMG]iB\s+\d", piped.partition("Sizes")[0])


def test_a_terminal_without_unicode_gets_ascii() -> None:
    shown = page("statistics-80-ascii").replace("b\u00fccher", "")
    assert shown.isascii()


@given(chunks)
def test_nothing_of_a_hostile_log_reaches_the_terminal_as_it_is(content: bytes) -> None:
    lines = list(table(summary_of(content), Look(short=True)))
    assert all(line.isprintable() for line in lines)


def test_nothing_selected_says_so() -> None:
    summary = summary_of(SAMPLE, selection=Selection(statuses=frozenset({"never"})))
    assert "None is of that kind." in list(table(summary, Look()))
    empty = list(table(summary_of(b""), Look()))
    assert empty[1:] == [
        "0 lines: 0 records, none malformed.",
        "There is nothing to count in them.",
    ]


class Terminal(io.StringIO):
    encoding = "utf-8"  # StringIO's own cannot be set

    def __init__(self, *, is_terminal: bool, encoding: str = "utf-8") -> None:
        super().__init__()
        self._is_terminal = is_terminal
        self.encoding = encoding

    def isatty(self) -> bool:
        return self._is_terminal


@pytest.mark.parametrize(
    ("environment", "is_terminal", "expected"),
    [
        ({}, True, Look(80, short=True, colour=True)),
        ({"COLUMNS": "200"}, True, Look(200, short=True, colour=True)),
        ({"COLUMNS": "wide"}, True, Look(80, short=True, colour=True)),
        ({"NO_COLOR": "1"}, True, Look(80, short=True)),
        ({"NO_COLOR": ""}, True, Look(80, short=True, colour=True)),
        ({"TERM": "dumb"}, True, Look(80, short=True)),
        ({}, False, Look(80)),
        ({"COLUMNS": "120"}, False, Look(120)),
    ],
)
def test_the_surroundings_say_what_can_be_shown(
    environment: Mapping[str, str],
    is_terminal: bool,  # noqa: FBT001 - a parameter of the test
    expected: Look,
) -> None:
    assert look_of(Terminal(is_terminal=is_terminal), environment) == expected


@pytest.mark.parametrize("encoding", ["ascii", "iso-8859-1", "no-such-encoding"])
def test_an_encoding_without_blocks_gets_ascii(encoding: str) -> None:
    assert not look_of(Terminal(is_terminal=True, encoding=encoding), {}).unicode


@given(st.text(), st.integers(0, 40))
def test_a_shortened_text_fits_and_keeps_its_ends(text: str, width: int) -> None:
    text = printable(text.encode("utf-8", "surrogatepass"))
    short = shortened(text, width, "…")
    assert cells_of(short) <= width
    assert short == text or "…" in short or not width


@given(st.integers(0, 10**12), st.integers(1, 10**12), st.integers(1, 60))
def test_a_bar_fits_and_what_is_something_is_seen(value: int, most: int, width: int) -> None:
    value = min(value, most)
    for unicode in (True, False):
        drawn = bar(value, most, width, unicode=unicode)
        assert len(drawn) <= width
        assert bool(drawn) == bool(value)


def test_a_curve_has_a_mark_for_every_value() -> None:
    assert curve([0, 1, 50, 100], 100, unicode=True) == "·▁▄█"
    assert curve([0, 1, 50, 100], 100, unicode=False) == " .-#".replace("-", "=")
    assert curve([0, 0], 0, unicode=True) == "··"


def test_sizes_and_shares_are_spelled_for_people() -> None:
    sizes = (0, 1023, 1024, 1536, 1024**2 - 1, 2**63 - 1)
    assert [human_size(size) for size in sizes] == [
        *("0 B", "1023 B", "1.0 KiB", "1.5 KiB", "1.0 MiB", "8.0 EiB")
    ]
    assert [share(part, 3000) for part in (0, 1, 1500, 3000)] == [
        *("0 %", "<0.1 %", "50.0 %", "100.0 %")
    ]
    assert share(0, 0) == "0 %"


def test_sums_stop_at_their_limit() -> None:
    assert Sums(1, 2**63 - 1).plus(Sums(1, 1)) == Sums(2, 2**63 - 1)


def test_what_was_asked_for_is_said() -> None:
    selection = Selection(
        services=frozenset({Service.SMTP_IN}),
        domains=frozenset({"example.com", "example.org"}),
        statuses=frozenset({"success"}),
        since=1_771_200_000,
        until=1_771_286_400,
    )
    lines = list(table(summary_of(SAMPLE, selection=selection), Look()))
    assert re.fullmatch(
        "Only service smtp-in; domain example.com, example.org; status success; "
        r"from 2026-02-16 00:00:00; before 2026-02-17 00:00:00: \d+ records\.",
        lines[3],
    )


def test_names_that_may_lack_something_say_so() -> None:
    figures = Figures(by="messages", largest=10, most_names=4)
    wanted = Wanted(Selection(), details=True)
    buffers = Buffers(BUFFER)
    with Counting(figures, wanted, buffers) as counting:
        counting.count(stream_of(SAMPLE).pieces(buffers))
        counting.finish()
    question = Question(("stats",), Selection(), ZoneInfo("UTC"), details=True)
    lines = list(table(summarised(figures, question), Look()))
    assert any("too many to remember" in line for line in lines)
    assert any(re.match(r"Each may lack up to \d+ messages", line) for line in lines)
