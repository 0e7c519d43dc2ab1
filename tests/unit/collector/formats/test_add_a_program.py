"""The page that says how to add a program is followed, literally."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent

import mailtally_kernel
from mailtally_collector.formats import Setting
from mailtally_collector.formats.programs import program, sizes
from mailtally_collector.formats.syslog.lines import pattern_of
from mailtally_kernel import Event, Field, Program
from mailtally_shared import schema

PAGE = Path(__file__).parents[4] / "docs/how-to/develop/add-a-program.md"


def test_the_pages_program_reads_the_pages_line() -> None:
    page = PAGE.read_text("utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (line,) = re.findall(r"`(popd\[.*?)`:", page)
    names = {
        **vars(mailtally_kernel),
        **vars(sizes),
        **vars(program),
        **vars(schema),
        "Final": object,
    }
    source = "from __future__ import annotations\n" + dedent(code)
    exec(compile(source, str(PAGE), "exec"), names)  # noqa: S102 - the page's own example
    popd = names["POPD"]
    assert re.match(popd.certain, line.encode())
    matcher = Program(pattern_of([popd], Setting()))
    outcome, numbers, ranges = matcher.match(f"2026-11-08T09:01:02Z mx {line}".encode())
    assert outcome == Event.SESSION
    assert ranges[Field.SENDER] == b"bob@example.com"
    assert (ranges[Field.SIZE], ranges[Field.MORE]) == (b"29", b"399")
    assert numbers[Field.WAY] == schema.Service.POP3
