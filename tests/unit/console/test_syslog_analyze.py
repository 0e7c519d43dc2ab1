"""``analyze`` counts a mail server's log, whose stamps lack a year and a zone."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from click.testing import CliRunner

from mailtally.commands.analyze import analyze

if TYPE_CHECKING:
    from pathlib import Path

LINES = b"""\
Dec 31 23:30:00 mx dovecot: imap(bob@example.com)<1><Eg>: Logged out in=29 out=399
Dec 31 23:31:00 mx postfix/smtpd[1]: connect from x
Jan  1 00:30:00 mx pop3d: LOGOUT, user=ann@example.com, ip=[::1], rcvd=1, sent=1023, time=1
"""


def days_of(directory: Path, *options: str) -> tuple[dict[str, str], str]:
    """Return the totals by file, and what the command said."""
    out = directory / "days"
    log = directory / "mail.log"
    log.write_bytes(LINES)
    os.utime(log, (1_600_000_000, 1_600_000_000))  # in September 2020
    done = CliRunner().invoke(analyze, [str(log), "--out", str(out), *options])
    assert done.exit_code == 0, done.output
    return {path.name[:10]: path.read_text() for path in out.glob("*.txt")}, done.output


def test_the_files_change_gives_the_year_and_the_option_the_zone(tmp_path: Path) -> None:
    days, said = days_of(tmp_path, "--log-zone", "UTC")
    assert days == {
        "31.12.2019": "|example.com|0.41796875|1|0|\n",
        "01.01.2020": "|example.com|1|1|0|\n",
    }
    assert "dovecot: counted 1, passed 0, malformed 0" in said
    assert "other: counted 0, passed 1, malformed 0" in said


def test_a_zone_west_of_the_accounting_zone_moves_a_session_to_the_next_day(tmp_path: Path) -> None:
    days, _ = days_of(tmp_path, "--log-zone", "America/New_York", "--first-year", "2011")
    assert days == {"01.01.2012": "|example.com|1.41796875|2|0|\n"}


def test_a_format_may_be_set_and_a_zone_has_to_exist(tmp_path: Path) -> None:
    assert days_of(tmp_path, "--format", "syslog", "--log-zone", "UTC")[0]
    refused = CliRunner().invoke(
        analyze, [str(tmp_path / "mail.log"), "--out", str(tmp_path / "x"), "--log-zone", "Moon"]
    )
    assert refused.exit_code == 2
    assert "expected a time zone" in refused.output
