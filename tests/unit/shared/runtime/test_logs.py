"""Log lines: one a record, without secrets, and not more of them than anyone can read."""

from __future__ import annotations

import io
import json
import logging
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailtally_shared.runtime.logs import (
    FloodFilter,
    JsonFormatter,
    TextFormatter,
    configure_logging,
    event,
)

if TYPE_CHECKING:
    from mailtally_shared.runtime.logs import LogFormat


class Terminal(io.StringIO):
    """Text that claims to be a terminal."""

    def isatty(self) -> bool:
        return True


def record(sentence: str, **fields: object) -> logging.LogRecord:
    made = logging.LogRecord("mailtally.test", logging.INFO, "", 0, sentence, None, None)
    made.event = "sample-event"
    made.fields = fields
    return made


def logged(log_format: LogFormat, stream: io.StringIO) -> str:
    configure_logging("info", log_format, stream)
    logger = logging.getLogger("mailtally.test")
    event(logger, logging.INFO, "batch-shipped", "100 % of a batch was shipped.", seq=7, host="mx1")
    event(logger, logging.DEBUG, "detail", "Too fine to show.")
    return stream.getvalue()


def test_a_line_of_json_holds_the_event_and_its_fields() -> None:
    line = json.loads(logged("json", io.StringIO()))
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "info",
        "logger": "mailtally.test",
        "event": "batch-shipped",
        "message": "100 % of a batch was shipped.",
        "seq": 7,
        "host": "mx1",
    }


def test_a_line_for_people_holds_the_sentence_and_the_fields() -> None:
    line = logged("text", io.StringIO())
    assert line.endswith("INFO    100 % of a batch was shipped.  seq=7 host=mx1\n")


def test_auto_is_text_on_a_terminal_and_json_elsewhere() -> None:
    assert not logged("auto", Terminal()).startswith("{")
    assert logged("auto", io.StringIO()).startswith("{")


def test_configuring_again_does_not_double_the_lines() -> None:
    logged("json", io.StringIO())
    assert logged("json", io.StringIO()).count("\n") == 1


def refuse(url: str) -> None:
    raise ConnectionError(url)


@pytest.mark.parametrize("formatter", [JsonFormatter(), TextFormatter()])
def test_no_password_shows_in_sentence_field_or_traceback(formatter: logging.Formatter) -> None:
    url = "redis://:s3cr3t@example.com/0"
    made = record(f"Cannot reach {url}.", url=url, listed=[url, url])
    with pytest.raises(ConnectionError) as caught:
        refuse(url)
    made.exc_info = (caught.type, caught.value, caught.tb)
    assert "s3cr3t" not in formatter.format(made)


@given(st.text(), st.dictionaries(st.text(), st.text() | st.integers() | st.none(), max_size=3))
def test_whatever_is_logged_stays_one_line(text: str, fields: dict[str, object]) -> None:
    as_json = JsonFormatter().format(record(text, **fields))
    assert len(as_json.splitlines()) == 1
    assert json.loads(as_json)["event"] == "sample-event"
    as_text = TextFormatter().format(record(text, **{f"k{n}": v for n, v in enumerate(fields)}))
    assert len(as_text.splitlines()) == 1


def test_a_field_does_not_replace_what_every_line_has() -> None:
    line = json.loads(JsonFormatter().format(record("A sentence.", level="high")))
    assert (line["level"], line["field_level"]) == ("info", "high")


def test_a_flood_is_cut_off_and_its_size_told_later() -> None:
    now = 0.0
    flood = FloodFilter(burst=2, period=10.0, clock=lambda: now)
    assert [flood.filter(record("Again.")) for _ in range(5)] == [True, True, False, False, False]
    now = 10.0
    later = record("Again.", host="mx1")
    assert flood.filter(later)
    assert json.loads(JsonFormatter().format(later))["suppressed"] == 3
    quiet = record("Again.")
    assert flood.filter(quiet)
    assert "suppressed" not in JsonFormatter().format(quiet)


def test_a_flood_of_one_event_does_not_hide_another() -> None:
    flood = FloodFilter(burst=1, clock=lambda: 0.0)
    other, nameless = record("Other."), record("Nameless.")
    other.__dict__["event"] = "other"
    del nameless.__dict__["event"]
    assert flood.filter(record("Flood."))
    assert not flood.filter(record("Flood."))
    assert flood.filter(other)
    assert all(flood.filter(nameless) for _ in range(5))
