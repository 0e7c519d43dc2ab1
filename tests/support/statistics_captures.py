"""What ``docs/reference/statistics.md`` shows of a terminal.

``python -m tests.support.statistics_captures`` writes it into the page.

Each block of the page that begins with a command is what that command prints, of the log that
``write_sample`` makes, on a terminal of 80 by 24, or in a pipe where the command ends with one. A
block that ends with ``…`` is cut there. Colours are left out.
"""

from __future__ import annotations

import os
import pty
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import termios
from pathlib import Path
from typing import Final

from mailtally.samples.sample_logs import write_log

ROOT: Final = Path(__file__).resolve().parents[2]
PAGE: Final = ROOT / "docs/reference/statistics.md"
BLOCK: Final = re.compile(
    r"^```\n\$ ([^\n]*mailtally statistics[^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL
)
_ESCAPE = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_PIPE = " | cat"
_CUT = "…\n"
_DRAWN = b"\x1b[J"
#: 2026-02-16 00:00 UTC.
_BEGIN, _DAYS = 1_771_200_000, 3 * 86_400
_LINES = 200_000


def write_sample(directory: Path) -> None:
    """The log that is looked at: three days of one host, and some malformed lines."""
    write_log(
        directory / "stats",
        host="mail.example.com",
        lines=_LINES,
        start=_BEGIN,
        end=_BEGIN + _DAYS,
        seed=6,
        hostile=0.001,
    )


def printed(command: str, directory: Path) -> str:
    """What a command of the page prints, escapes included; of ``--follow`` the last page."""
    words = shlex.split(command.removesuffix(_PIPE))
    first = words.index("mailtally")
    arguments = [sys.executable, "-m", *words[first:]]
    unset = {"COLUMNS", "NO_COLOR", "LC_ALL", "PYTHONUTF8"}
    kept = {k: v for k, v in os.environ.items() if k not in unset and "MAILTALLY" not in k}
    settings = dict(word.split("=", 1) for word in words[:first])
    encoding = "ascii" if settings.get("LC_ALL") == "C" else "utf-8"
    # Python itself takes UTF-8 for the C locale, except where it is told otherwise.
    environment = {**kept, "TERM": "xterm", "PYTHONIOENCODING": encoding, **settings}
    if command.endswith(_PIPE):
        done = subprocess.run(
            arguments, cwd=directory, env=environment, capture_output=True, check=True
        )
        return done.stdout.decode()
    return _on_a_terminal(arguments, directory, environment)


def shown(text: str, block: str) -> str:
    """What is printed, as a block has it: without escapes, and cut where that is cut."""
    lines = _ESCAPE.sub("", text).splitlines(keepends=True)
    if block.endswith(_CUT):
        return "".join(lines[: block.count("\n") - 1]) + _CUT
    return "".join(lines)


def _on_a_terminal(arguments: list[str], directory: Path, environment: dict[str, str]) -> str:
    master, slave = pty.openpty()
    termios.tcsetwinsize(slave, (24, 80))
    process = subprocess.Popen(
        arguments, cwd=directory, env=environment, stdout=slave, stderr=subprocess.DEVNULL
    )
    os.close(slave)
    written = bytearray()
    while data := _read(master):
        written += data
        page = written.rpartition(_DRAWN)[0].rpartition(_DRAWN)[2]
        if "--follow" in arguments and b"%s lines" % f"{_LINES:,}".encode() in page:
            process.send_signal(signal.SIGINT)
            written = page
            break
    while _read(master):
        pass
    os.close(master)
    process.wait()
    return written.decode().replace("\r\n", "\n")


def _read(master: int) -> bytes:
    try:
        return os.read(master, 65_536)
    except OSError:  # the last program has let go of it
        return b""


def _main() -> None:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        write_sample(directory)

        def renewed(found: re.Match[str]) -> str:
            command, block = found.groups()
            return f"```\n$ {command}\n{shown(printed(command, directory), block)}```"

        PAGE.write_text(BLOCK.sub(renewed, PAGE.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    _main()
