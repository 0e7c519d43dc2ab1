"""The status document: bounded, printable, and read strictly whatever it holds."""

from __future__ import annotations

import json

import pytest

from mailtally_shared.wire.status import (
    LONGEST_TEXT,
    MAX_STATUS,
    LineCounts,
    LogStatus,
    Sample,
    StatusDocument,
    StatusError,
    Trouble,
    digest_of,
    parse,
    printable,
    render,
)

TROUBLE = Trouble(kind="unreadable", path="/var/log/stats", sentence="no", since=7)


def test_a_document_comes_back_as_it_was() -> None:
    counted = LineCounts(lines=5, records=2, malformed={"bad-date": 3})
    document = StatusDocument(
        release="1.0",
        logs=(LogStatus(path="/var/log/stats", format="stats", counted=counted, latest=counted),),
        troubles=(TROUBLE,),
        samples=(Sample(reason="bad-date", path="/var/log/stats", line="Nov *@*"),),
    )
    assert parse(render(document)) == document


def test_a_document_that_is_too_large_says_how_much_it_leaves_out() -> None:
    long = "x" * LONGEST_TEXT
    troubles = (Trouble(kind="unreadable", path=long, sentence=long),) * 1000
    text = render(StatusDocument(logs=(LogStatus(path=long),) * 1000, troubles=troubles))
    assert len(text) <= MAX_STATUS
    found = parse(text)
    assert found.troubles
    assert len(found.troubles) + found.more_troubles == 1000
    assert len(found.logs) + found.more_logs == 1000


def test_what_a_later_version_says_besides_is_ignored() -> None:
    later = {"format": 1, "release": "2.0", "programs": {"postfix": 5}}
    assert parse(json.dumps(later)) == StatusDocument(release="2.0")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "\x00",
        '{"format": 2}',
        '{"since": "5"}',
        '{"since": -1}',
        '{"release": "\\u001b[31m"}',
        json.dumps({"release": "x" * (LONGEST_TEXT + 1)}),
        json.dumps({"logs": [{"path": "/a"}] * 1001}),
        '{"of a later version": "' + "x" * MAX_STATUS + '"}',
    ],
)
def test_a_document_with_anything_else_is_refused(text: str) -> None:
    with pytest.raises(StatusError) as refused:
        parse(text)
    assert str(refused.value).isprintable()


def test_text_from_outside_becomes_short_and_printable() -> None:
    assert printable("/var/log/\x1b[31mü") == "/var/log/\\x1b[31m\\xfc"
    assert len(printable("\x1b" * 10_000)) == LONGEST_TEXT
    assert printable("\ud800") == "\\ud800"


def test_documents_are_told_apart_by_their_digests() -> None:
    texts = [render(StatusDocument(since=number)) for number in range(9)]
    assert len({digest_of(text) for text in texts}) == 9
