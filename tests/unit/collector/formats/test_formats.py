"""Formats are a small, open set: one registry, recognised from lines or set, each documented."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from mailtally_collector.formats import FORMATS, ByLog, Known, Setting, made
from mailtally_collector.formats.registry import recognised
from mailtally_collector.formats.stats import parser
from mailtally_collector.settings import CollectorSettings
from mailtally_kernel import KernelError
from mailtally_shared.errors import Refused
from mailtally_shared.runtime.settings import describe
from tests.support.logs import BEGIN
from tools.samples.maillogs import play

ROOT = Path(__file__).parents[4]
FORMATS_MADE = made(Setting("mail.example.com"))
STATS = b"Jun 20 18:20:14 mail.example.com in[1]: 1119280814|a@b.example|c@d.example|69|success\n"
QMAIL = b"Sep 14 09:58:09 mail.example.com qmail: 1063526289.292776 status: local 0/10\n"
MULTILOG = b"@4000000038c3eeb027f6b0a4 end msg 7\n"
OTHER = b"Sep 14 09:58:09 mail.example.com spamd[12]: clean message\n"
DELIVERED = b"".join(play(5, start=BEGIN, seed=1).multilog())


def test_every_format_has_its_section_on_the_page_and_its_row() -> None:
    page = (ROOT / "docs/reference/formats.md").read_text("utf-8")
    assert re.findall(r"^## The format (.*)$", page, re.MULTILINE) == list(FORMATS)
    assert re.findall(r"^\| \[`([a-z]+)`\]", page, re.MULTILINE) == list(FORMATS)


def test_a_format_is_named_in_no_module_but_the_registry_and_its_own() -> None:
    """So a new one touches those two, and the page."""
    parse = ROOT / "services/collector/src/mailtally_collector"
    own = {FORMATS[name].__module__.rpartition(".")[0] for name in FORMATS}
    own |= {FORMATS[name].__module__ for name in FORMATS}
    for path in parse.rglob("*.py"):
        module = "mailtally_collector." + ".".join(path.relative_to(parse).with_suffix("").parts)
        if module.rpartition(".")[2] == "registry" or module in own:
            continue
        if any(module.startswith(name + ".") for name in own if name.count(".") > 1):
            continue
        words = {cls.__name__ for cls in FORMATS.values()}
        assert not words & set(re.findall(r"\w+", path.read_text("utf-8"))), module


def test_every_format_can_be_set() -> None:
    (row,) = (row for row in describe(CollectorSettings) if row.toml_key == "collector.format")
    assert all(name in row.meaning for name in FORMATS)


@pytest.mark.parametrize(
    ("chunk", "name"),
    [
        (STATS, "stats"),
        (QMAIL, "maillog"),
        (MULTILOG, "maillog"),
        (OTHER, None),
        (OTHER * 3000 + QMAIL, "maillog"),
        (b"\x00junk\n" + STATS + QMAIL, "stats"),
        (OTHER + QMAIL + STATS, "maillog"),
        (b"", None),
    ],
)
def test_the_line_that_comes_first_tells(chunk: bytes, name: str | None) -> None:
    assert recognised(chunk, FORMATS_MADE) == name


def parsed(logs: ByLog, log: str, chunk: bytes) -> tuple[int, int]:
    found, known = logs.parse(log, chunk)
    logs.keep(known)
    return len(found.columns), len(found.rejects)


def test_once_told_a_log_is_not_asked_again() -> None:
    logs = ByLog(FORMATS_MADE)
    assert parsed(logs, "/a", OTHER) == (0, 1)
    assert parsed(logs, "/a", QMAIL) == (0, 0)
    assert parsed(logs, "/a", OTHER) == (0, 0)
    assert parsed(logs, "/b", STATS) == (1, 0)
    assert parsed(logs, "/b", QMAIL) == (0, 1)


def test_a_setting_decides_whatever_the_lines_say() -> None:
    logs = ByLog(FORMATS_MADE, lambda log: "maillog" if log == "/a" else None)
    assert parsed(logs, "/a", STATS) == (0, 0)
    assert parsed(logs, "/b", STATS) == (1, 0)


def test_nothing_is_remembered_of_a_chunk_that_was_not_taken() -> None:
    logs, half = ByLog(FORMATS_MADE), len(DELIVERED.splitlines()) // 2
    lines = DELIVERED.splitlines(keepends=True)
    parsed(logs, "/a", b"".join(lines[:half]))
    logs.parse("/a", b"".join(lines[half:]))
    assert parsed(logs, "/a", b"".join(lines[half:]))[1] == 0


def test_what_another_format_has_left_is_not_read() -> None:
    logs = ByLog(FORMATS_MADE, lambda _: "maillog", [Known("/a", "other", b"what it knew")])
    assert parsed(logs, "/a", MULTILOG) == (0, 0)


def test_logs_that_are_gone_are_forgotten() -> None:
    logs = ByLog(FORMATS_MADE)
    parsed(logs, "/a", STATS)
    parsed(logs, "/b", QMAIL)
    assert [known.log for known in logs.known({"/b"})] == ["/b"]
    assert logs.known({"/a", "/b"}) == (Known("/b", "maillog"),)


def configured(**values: object) -> CollectorSettings:
    return CollectorSettings(broker_url="redis://redis.example.com", **values)


@pytest.mark.parametrize(
    ("values", "log", "name"),
    [
        ({}, "/var/log/maillog", None),
        ({"format": "maillog"}, "/var/log/maillog", "maillog"),
        ({"formats": "/var/log/mail*=maillog"}, "/var/log/maillog", "maillog"),
        ({"formats": "/var/log/mail*=maillog"}, "/srv/stats", None),
        ({"format": "stats", "formats": "*/a=auto,*=maillog"}, "/srv/a", None),
        ({"format": "stats", "formats": "*/a=auto,*=maillog"}, "/srv/b", "maillog"),
    ],
)
def test_the_first_glob_that_fits_decides(
    values: dict[str, object], log: str, name: str | None
) -> None:
    assert configured(**values).format_of(log) == name


@pytest.mark.parametrize(
    "values",
    [{"format": "qmail"}, {"formats": "/a"}, {"formats": "/a=qmail"}, {"formats": "=stats"}],
)
def test_a_format_that_there_is_not_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="expected"):
        configured(**values)


def test_a_kernel_that_cannot_be_loaded_stops_the_start_with_its_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(*_: object) -> None:
        raise KernelError("The kernel kernel.so cannot be loaded.")

    monkeypatch.setattr(parser, "read_stats", missing)
    with pytest.raises(Refused, match=r"The kernel kernel\.so cannot be loaded"):
        parser.warm()
