"""``mailtally statistics`` as an operator types it: files, pipes, terminals, growing logs."""

from __future__ import annotations

import bz2
import codecs
import csv
import gzip
import json
import lzma
import os
import pty
import re
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

import pytest
import zstandard

from tests.support.statistics_counted import told
from tests.support.statistics_sample import SAMPLE
from tests.support.waiting import wait_until
from tools.samples.maillogs import play

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

COMMAND = (sys.executable, "-m", "mailtally", "statistics")
LINE = b"Feb 18 00:00:00 mx.example.com in[9]: 1771372800|a@example.net|b@example.com|%d|success\n"
MESSAGES = told(SAMPLE)["total"]["messages"]
LINES = SAMPLE.count(b"\n")


def surroundings(**more: str) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("MAILTALLY_") and name not in {"COLUMNS", "NO_COLOR", "TERM"}
    }
    return {**kept, "TERM": "xterm", "PYTHONUTF8": "1", **more}


def run(
    *arguments: object, stdin: bytes = b"", fails: bool = False
) -> subprocess.CompletedProcess[bytes]:
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        input=stdin,
        capture_output=True,
        env=surroundings(),
        check=False,
    )
    assert bool(done.returncode) == fails, done.stderr.decode()
    return done


def read(*arguments: object, stdin: bytes = b"") -> dict[str, Any]:
    """The document, without the names of files."""
    found: dict[str, Any] = json.loads(run("--format", "json", *arguments, stdin=stdin).stdout)
    return found


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "stats"
    path.write_bytes(SAMPLE)
    return path


@pytest.mark.parametrize("clothes", ["syslog", "multilog"])
def test_qmails_own_log_is_told_of_and_left_out(clothes: str, tmp_path: Path) -> None:
    run_of_qmail = play(3, start=1_771_200_000, seed=1)
    (tmp_path / "maillog").write_bytes(b"".join(getattr(run_of_qmail, clothes)()))
    (tmp_path / "stats").write_bytes(SAMPLE)
    done = run("--format", "json", tmp_path / "maillog", tmp_path / "stats", fails=True)
    assert b"maillog has the format maillog" in done.stderr
    assert json.loads(done.stdout)["total"]["messages"] == MESSAGES
    assert b"Traceback" not in done.stderr
    followed = run("--follow", tmp_path / "maillog", fails=True)
    assert b"has the format maillog" in followed.stderr


def test_a_file_is_counted_as_its_lines_are(log: Path) -> None:
    expected = {**told(SAMPLE), "files": [str(log)]}
    for row in expected["details"]["malformed"]:
        for example in row["examples"]:
            example["file"] = str(log)
    assert read("-v", "-f", log) == expected
    assert read(log) == {**expected, "details": None}


@pytest.mark.parametrize(
    ("suffix", "compress"),
    [
        (".gz", gzip.compress),
        (".bz2", bz2.compress),
        (".xz", lzma.compress),
        (".zst", zstandard.compress),
        (".named-otherwise", gzip.compress),
    ],
)
def test_a_compressed_file_is_the_same(
    log: Path, suffix: str, compress: Callable[[bytes], bytes]
) -> None:
    packed = log.with_name(f"packed{suffix}")
    packed.write_bytes(compress(SAMPLE))
    assert read(packed)["traffic"] == read(log)["traffic"]
    assert read("-", stdin=compress(SAMPLE))["traffic"] == read(log)["traffic"]


def test_a_compressed_file_next_to_another_plain_one_is_counted(log: Path) -> None:
    log.with_name("stats.2").write_bytes(LINE % 7)
    log.with_name("stats.2.gz").write_bytes(gzip.compress(LINE % 8))
    assert read("-f", f"{log}.2*")["total"]["messages"] == 2


def test_standard_input_may_be_among_files(log: Path) -> None:
    assert read(log, "-", stdin=LINE % 7)["total"]["messages"] == MESSAGES + 1


def test_a_glob_stands_for_its_files_each_once_and_the_oldest_first(log: Path) -> None:
    for name in ("stats.1", "stats.10", "stats.2"):
        log.with_name(name).write_bytes(LINE % 7)
    log.with_name("stats.2.gz").write_bytes(gzip.compress(LINE % 7))
    os.link(log, log.with_name("stats.link"))
    found = read("-f", f"{log}*", log)
    assert found["total"]["messages"] == MESSAGES + 3
    names = [name.rpartition("/")[2] for name in found["files"]]
    assert names[:3] == ["stats.10", "stats.2", "stats.1"]
    assert len(names) == 4


def test_a_last_line_without_its_end_is_malformed(log: Path) -> None:
    log.write_bytes(LINE % 7 + LINE[:40])
    found = read("-v", log)
    assert (found["lines"], found["malformed"]) == (2, {"unterminated": 1})
    (row,) = found["details"]["malformed"]
    assert row["examples"][0]["length"] == 40


def test_filters_are_understood_as_they_are_typed(log: Path) -> None:
    def messages(*arguments: str) -> int:
        count: int = read(*arguments, log)["total"]["messages"]
        return count

    rows = read(log)["traffic"]
    mailboxes = sum(row["messages"] for row in rows if row["service"] in {"imap", "pop3"})
    assert messages("--service", "imap,pop3") == mailboxes
    assert messages("--service", "imap", "--service", " pop3") == mailboxes
    assert messages("--domain", "EXAMPLE.com.") == messages("--domain", "example.com") > 0
    assert messages("--domain", "b\u00fccher.example") == 1
    both = messages("--status", "timeout") + messages("--status", "rejspam")
    assert messages("--status", "timeout,rejspam") == both > 0
    first, second = messages("--to", "2026-02-16"), messages("--from", "2026-02-17")
    assert min(first, second) > 0
    assert first + second == MESSAGES
    assert messages("--from", "2026-02-16", "--to", "2026-02-17") == MESSAGES
    assert messages("--to", "2026-02-16T12:00") + messages("--from", "2026-02-16T12:00") == MESSAGES


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "Name a log with -f, or - for standard input."),
        (("nothing-here*",), "No file matches nothing-here*."),
        (("--service", "fax", "-"), "unknown service 'fax'"),
        (("--domain", "not a domain", "-"), "'not a domain' is no domain"),
        (("--from", "soon", "-"), "'soon' is no day and no time"),
        (("--timezone", "Mars/Base", "-"), "Mars/Base is no time zone."),
        (("--follow", "--format", "csv", "-"), "--follow shows a table, or JSON"),
        (("--follow", "-", "x"), "--follow reads standard input alone, or files alone."),
    ],
)
def test_wrong_usage_is_answered_with_a_sentence(arguments: tuple[str, ...], sentence: str) -> None:
    done = run(*arguments, fails=True)
    assert done.returncode == 2
    assert sentence in " ".join(done.stderr.decode().split())
    assert b"Traceback" not in done.stderr


def test_of_a_damaged_file_is_counted_what_can_be_read(log: Path) -> None:
    torn = log.with_name("torn.gz")
    packed = gzip.compress(SAMPLE)
    torn.write_bytes(packed[: len(packed) // 2])
    done = run("--format", "json", torn, log, fails=True)
    assert done.returncode == 1
    assert "torn.gz cannot be read to its end" in done.stderr.decode()
    assert LINES < json.loads(done.stdout)["lines"] < 2 * LINES


def test_a_pipe_gets_plain_text_and_no_progress(log: Path) -> None:
    done = run("-v", log)
    assert b"\x1b" not in done.stdout
    assert done.stderr == b""


def test_csv_is_a_table_with_one_header(log: Path) -> None:
    text = run("-v", "--format", "csv", log).stdout.decode()
    rows = list(csv.DictReader(text.splitlines()))
    traffic = [row for row in rows if row["table"] == "traffic"]
    assert sum(int(row["messages"]) for row in traffic) == MESSAGES


def test_what_the_encoding_lacks_is_escaped(log: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "-v", "--top", "0", str(log)],
        capture_output=True,
        env=surroundings(PYTHONUTF8="0", PYTHONIOENCODING="ascii"),
        check=True,
    )
    assert rb"b\xfccher" in done.stdout
    assert done.stdout.isascii()


class Terminal:
    """A terminal of some size, and all that was written to it."""

    def __init__(self, columns: int) -> None:
        self.columns = columns
        self._master, self.slave = pty.openpty()
        self._written = bytearray()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        try:
            while data := os.read(self._master, 65_536):
                self._written += data
        except OSError:  # the last program has let go of it
            return

    def close(self) -> str:
        """No program has it any more: all that was written."""
        os.close(self.slave)
        self._reader.join()
        os.close(self._master)
        return self.text()

    def text(self) -> str:
        # Of a character that is written at the moment, only some bytes may have come.
        written = codecs.getincrementaldecoder("utf-8")().decode(self._written)
        return written.replace("\r\n", "\n")


@pytest.mark.parametrize("columns", [80, 200])
@pytest.mark.parametrize("colour", [True, False])
def test_a_terminal_gets_what_fits_it(log: Path, columns: int, *, colour: bool) -> None:
    terminal = Terminal(columns)
    more = {} if colour else {"NO_COLOR": "1"}
    subprocess.run(
        [*COMMAND, "-v", str(log)],
        stdout=terminal.slave,
        env=surroundings(COLUMNS=str(columns), **more),
        check=True,
    )
    text = terminal.close()
    assert ("\x1b[" in text) is colour
    plain = re.sub(r"\x1b\[\d+m", "", text)
    assert "█" in plain
    assert max(map(len, plain.splitlines())) <= columns
    side_by_side = re.search(r"^Traffic +Status$", plain, re.MULTILINE) is not None
    assert side_by_side is (columns == 200)


@contextmanager
def following(
    *arguments: object, stdin: int | None = None, stdout: int | IO[bytes] = subprocess.PIPE
) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [*COMMAND, "--follow", *map(str, arguments)],
        stdin=stdin,
        stdout=stdout,
        env=surroundings(),
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


class Documents:
    """The documents that a following command writes, the newest of them at hand."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        self._pipe = process.stdout
        self.all: list[dict[str, Any]] = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self._pipe:
            self.all.append(json.loads(line))

    def wait_for(self, messages: int) -> None:
        wait_until(
            lambda: self.all and self.all[-1]["total"]["messages"] == messages,
            60,
            f"a document with {messages} messages",
        )


def test_a_log_is_followed_as_it_grows_and_is_rotated(log: Path, tmp_path: Path) -> None:
    with following("--format", "json", log) as process:
        documents = Documents(process)
        documents.wait_for(MESSAGES)
        with log.open("ab") as file:
            file.write(LINE % 1 + LINE[:20])
            file.flush()
            documents.wait_for(MESSAGES + 1)
            log.rename(tmp_path / "stats.1")
            file.write((LINE % 2)[20:])
            file.flush()
            documents.wait_for(MESSAGES + 2)
            log.write_bytes(LINE % 3)
            documents.wait_for(MESSAGES + 3)
        log.write_bytes(b"")
        log.write_bytes(LINE % 44)  # longer than what was read: only its rest is new
        documents.wait_for(MESSAGES + 3)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    assert documents.all[-1]["malformed"] == told(SAMPLE)["malformed"]


def test_an_emptied_log_begins_anew(log: Path) -> None:
    with following("--format", "json", log) as process:
        documents = Documents(process)
        documents.wait_for(MESSAGES)
        log.write_bytes(LINE % 7)
        documents.wait_for(MESSAGES + 1)


def test_files_that_appear_are_followed(tmp_path: Path) -> None:
    (tmp_path / "stats").write_bytes(LINE % 1)
    with following("--format", "json", f"{tmp_path}/stats*") as process:
        documents = Documents(process)
        documents.wait_for(1)
        (tmp_path / "stats.new").write_bytes(LINE % 2)
        documents.wait_for(2)
        assert len(documents.all[-1]["files"]) == 2


def test_a_pipe_is_followed_to_its_end() -> None:
    with following("--format", "json", "-", stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        documents = Documents(process)
        process.stdin.write(LINE % 1)
        process.stdin.flush()
        documents.wait_for(1)
        process.stdin.write(LINE % 2 + LINE[:40])
        process.stdin.close()
        documents.wait_for(2)
        assert process.wait(60) == 0
        wait_until(lambda: documents.all[-1]["malformed"] == {"unterminated": 1})


def test_on_a_terminal_the_page_is_drawn_in_place_and_left_whole_at_the_end(log: Path) -> None:
    terminal = Terminal(80)
    with following(log, stdout=terminal.slave) as process:
        wait_until(lambda: "205 lines" in terminal.text(), 60, "the first page")
        with log.open("ab") as file:
            file.write(LINE % 7)
        wait_until(lambda: "206 lines" in terminal.text(), 60, "the next page")
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    text = terminal.close()
    assert text.count("\x1b[H") >= 3
    last = text.rpartition("\x1b[H")[2]
    assert "Mean: " in last
    assert "more" not in last
