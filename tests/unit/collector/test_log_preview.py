"""What ``mailtally-collector check`` shows of each log before anything is counted."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from mailtally_collector.log_preview import MOST_READ, previews
from mailtally_collector.settings import CollectorSettings

if TYPE_CHECKING:
    from pathlib import Path

LINES = b"""\
Nov  8 09:01:02 mx dovecot: imap-login: Login: user=<bob@example.com>, session=<Eg>
Nov  8 09:01:02 mx dovecot: imap(bob@example.com)<846><Eg>: Logged out in=29 out=399
Nov  8 09:01:02 mx dovecot: imap(b b)<846><Eg>: Logged out in=29 out=399
Nov  8 09:01:02 mx postfix/smtpd[1]: connect from x
\tat a continuation
"""


def shown(directory: Path, **values: object) -> list[str]:
    settings = CollectorSettings(
        broker_url="redis://redis.example.com", logs=(str(directory / "*.log*"),), **values
    )
    return [line.replace(f"{directory}/", "") for line in previews(settings)]


def test_lines_by_program(tmp_path: Path) -> None:
    (tmp_path / "mail.log").write_bytes(LINES)
    assert shown(tmp_path) == [
        "mail.log, latest lines as syslog: records 1, passed 3, malformed 1",
        "  dovecot: counted 1, passed 1, malformed 1",
        "  no-framing: counted 0, passed 1, malformed 0",
        "  other: counted 0, passed 1, malformed 0",
    ]


def test_a_log_that_is_not_recognised_says_so_unless_its_format_is_set(tmp_path: Path) -> None:
    (tmp_path / "mail.log").write_bytes(b"Nov  8 09:01:02 mx CRON[1]: x\nunfinished")
    assert shown(tmp_path) == ["mail.log: no format is recognised in its latest lines."]
    (known, other) = shown(tmp_path, format="syslog")
    assert known == "mail.log, latest lines as syslog: records 0, passed 1, malformed 0"
    assert other == "  other: counted 0, passed 1, malformed 0"


def test_whole_lines_at_the_end_of_a_large_log_are_read(tmp_path: Path) -> None:
    (tmp_path / "mail.log").write_bytes(LINES * (MOST_READ // len(LINES) + 9))
    whole = shown(tmp_path)[0]
    assert "malformed" in whole
    assert "bad" not in whole
    assert len(shown(tmp_path)) == 4


def test_what_cannot_be_read_or_is_empty_or_compressed_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "empty.log").touch()
    (tmp_path / "old.log.gz").write_bytes(b"\x1f\x8b")
    os.mkfifo(tmp_path / "pipe.log")
    assert shown(tmp_path) == []
