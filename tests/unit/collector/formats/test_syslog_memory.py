"""What ``syslog`` keeps of a log: stamps and last lines, over chunks, files and restarts."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from mailtally_collector.formats import Origin, Setting
from mailtally_collector.formats.syslog.format import SyslogFormat
from mailtally_kernel import LogState, read_state
from mailtally_kernel.log_state import MOST_HOSTS
from mailtally_shared.errors import Refused
from mailtally_shared.runtime.zones import offsets_of
from tests.support.parsed_records import records_of
from tests.unit.collector.formats.test_maillog_reading import FORMATS, read_all, spooled, sums_of

if TYPE_CHECKING:
    from pathlib import Path

END = "dovecot: imap(bob@example.com): Logged out in=1 out=2"


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def times(
    *files: tuple[str, list[str]], zone: str = "UTC", first_year: int | None = None
) -> list[str]:
    """Return the moments of stamps in files that were changed at given times, a chunk a stamp."""
    parser, state = (
        SyslogFormat(Setting("own", offset_at=offsets_of(zone), first_year=first_year)),
        b"",
    )
    found = []
    for modified, stamps in files:
        for number, stamp in enumerate(stamps):
            origin = Origin(at(modified), begins=number == 0)
            parsed, state = parser.parse(f"{stamp} mx {END}\n".encode(), state, origin)
            found += [datetime.fromtimestamp(one.time, UTC) for one in records_of(parsed)]
    return [f"{one:%Y-%m-%d %H:%M:%S}" for one in found]


def test_the_first_stamp_of_a_file_is_at_most_a_day_after_its_last_change() -> None:
    assert times(("2021-03-04 12:00:00", ["Mar  5 11:59:59"])) == ["2021-03-05 11:59:59"]
    assert times(("2021-03-04 12:00:00", ["Mar  5 12:00:01"])) == ["2020-03-05 12:00:01"]
    assert times(("2023-03-04 12:00:00", ["Feb 29 12:00:00"])) == ["2020-02-29 12:00:00"]


def test_each_file_begins_with_its_own_time_and_continues_by_neighbours() -> None:
    files = (
        ("2023-01-02 00:00:00", ["Dec 31 23:00:00", "Jan  1 00:00:01", "Dec 31 23:59:59"]),
        ("2026-03-04 00:00:00", ["Mar  3 12:00:00"]),
    )
    assert times(*files) == [
        *("2022-12-31 23:00:00", "2023-01-01 00:00:01", "2022-12-31 23:59:59"),
        "2026-03-03 12:00:00",
    ]


def test_a_year_that_is_set_is_the_first_stamps_and_later_files_go_on_from_it() -> None:
    files = (
        ("2026-11-01 00:00:00", ["Nov 30 00:00:00", "Dec 31 00:00:00"]),
        ("2026-11-01 00:00:00", ["Jan  1 00:00:00"]),
    )
    assert times(*files, first_year=2019) == [
        *("2019-11-30 00:00:00", "2019-12-31 00:00:00", "2020-01-01 00:00:00")
    ]


def test_the_second_pass_of_a_repeated_hour_is_known_after_a_restart() -> None:
    stamps = ["Oct 25 02:05:00", "Oct 25 02:55:00", "Oct 25 02:05:00", "Oct 25 02:40:00"]
    found = times(("2026-10-26 00:00:00", stamps), zone="Europe/Berlin")
    assert [one[11:16] for one in found] == ["00:05", "00:55", "01:05", "01:40"]


def test_a_stamp_in_a_skipped_hour_is_read_with_the_offset_before() -> None:
    found = times(("2026-04-01 00:00:00", ["Mar 29 02:30:00"]), zone="Europe/Berlin")
    assert found == ["2026-03-29 01:30:00"]


LOG = [
    "Dec 30 09:00:00 mx dovecot: imap(a@a.example): Logged out in=10 out=20",
    "Dec 31 23:59:58 mx2 dovecot: imap(b@b.example): Logged out in=100 out=200",
    "Dec 31 23:59:59 mx last message repeated 2 times",
    "Jan  1 00:00:00 mx postfix/smtpd[1]: connect from x",
    "Jan  1 00:00:01 mx2 last message repeated 1 time",
    "Jan  1 00:00:02 mx2 pop3d: LOGOUT, user=c@c.example, ip=[::1], rcvd=1, sent=4, time=1",
    "Dec 31 23:59:59 mx last message repeated 9 times",
    "Jan  1 00:01:00 mx2 pop3d: message repeated 2 times: [ disc, user=c@c, ip=[], rcvd=1, sent=5]",
    "Jan  1 00:02:00 mx2 last message repeated 2 times",
]


@pytest.mark.parametrize("rotates", [False, True])
def test_a_restart_between_any_two_lines_changes_nothing(*, rotates: bool, tmp_path: Path) -> None:
    """The collector is started for each line; the log may be rotated meanwhile."""
    log, changed = tmp_path / "mail.log", at("2026-01-02 00:00:00")
    for number, line in enumerate(LOG):
        if rotates and number == 5:
            log.rename(tmp_path / "mail.log.1")
        with log.open("ab") as file:
            file.write(f"{line}\n".encode())
        os.utime(log, (changed + number, changed + number))
        read_all(tmp_path, "mail.log", 1000.0 + number)
    whole, _ = FORMATS["syslog"].parse(
        "".join(f"{line}\n" for line in LOG).encode(), b"", Origin(changed, begins=True)
    )
    records, malformed = spooled(tmp_path)
    assert (records, malformed.total()) == (sums_of_parsed(whole), 0)
    assert records.total() == 10


def sums_of_parsed(parsed: object) -> object:
    return sums_of(parsed.columns)  # type: ignore[attr-defined]  # what was parsed


def test_last_lines_of_a_bounded_number_of_hosts_are_kept() -> None:
    parser = SyslogFormat(Setting("own"))
    lines = [f"Nov  8 09:01:02 h{n} {END}\n" for n in range(2 * MOST_HOSTS)]
    _, state = parser.parse("".join(lines).encode(), b"", Origin(at("2026-11-10 00:00:00")))
    kept, _ = read_state(state)
    assert len(kept.last_lines) == MOST_HOSTS
    assert b"h511" in kept.last_lines
    again = "".join(f"Nov  8 09:02:00 h{n} last message repeated 1 time\n" for n in (0, 511))
    parsed, _ = parser.parse(again.encode(), state)
    assert (len(parsed.columns), parsed.rejects.labels()) == (1, ["unknown-repeat"])


def test_a_state_is_read_as_it_was_written() -> None:
    state = LogState(5, None, {b"": b"a line", b"mx": b""})
    assert read_state(state.to_bytes() + b"more") == (state, b"more")


def test_a_damaged_state_is_refused_or_read_and_does_no_harm() -> None:
    parser = SyslogFormat(Setting("own"))
    line = f"Nov  8 09:01:02 mx {END}\n".encode()
    _, state = parser.parse(line, b"", Origin(at("2026-11-10 00:00:00")))
    repeat = b"Nov  8 09:01:03 mx last message repeated 1 time\n"
    refused = 0
    for place in range(len(state)):
        for damaged in (state[:place], state[:place] + b"\xff" + state[place + 1 :]):
            try:
                parser.parse(repeat, damaged)
            except Refused:
                refused += 1
    assert refused > len(state)


def test_a_chunk_parsed_again_gives_the_same() -> None:
    parser, state = SyslogFormat(Setting("own", offset_at=offsets_of("Europe/Berlin"))), b""
    origin = Origin(at("2026-01-02 00:00:00"), begins=True)
    for first, second in pairwise(LOG):
        chunk = f"{first}\n{second}\n".encode()
        one, after = parser.parse(chunk, state, origin)
        other, same = parser.parse(chunk, state, origin)
        assert (records_of(one), after) == (records_of(other), same)
        state = after
