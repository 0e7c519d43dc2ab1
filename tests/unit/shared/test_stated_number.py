"""A document of a newer version is told from a damaged one by the number that it states."""

from __future__ import annotations

import json

import pytest

from mailtally_shared.days import manifest
from mailtally_shared.errors import UNKNOWN_VERSION, BadBatch, BadFile, NewerFile
from mailtally_shared.versions import stated_number
from mailtally_shared.wire.announcement import VERSION, parse_announcement


@pytest.mark.parametrize(
    ("document", "number"),
    [
        (b'{"format": 7, "colour": "blue"}', 7),
        (b'{"format": -1}', -1),
        (b'{"format": "7"}', 0),
        (b'{"format": true}', 0),
        (b'{"format": 7.5}', 0),
        (b"{}", 0),
        (b"[7]", 0),
        (b'{"format": 7', 0),
        (b"\xff", 0),
        (b"[" * 100_000, 0),
    ],
)
def test_only_a_whole_number_of_an_object_is_stated(document: bytes, number: int) -> None:
    assert stated_number(document, "format") == number


def test_a_manifest_with_a_higher_number_is_newer_whatever_else_it_has() -> None:
    with pytest.raises(NewerFile, match=r"manifest format 5\); upgrade this one") as caught:
        manifest.parse(b'{"format": 5, "day": {"colour": "blue"}}', "x.json")
    assert caught.value.reason == UNKNOWN_VERSION


@pytest.mark.parametrize("number", [1, 2, "4", None])
def test_a_manifest_with_any_other_number_is_a_bad_one(number: object) -> None:
    with pytest.raises(BadFile, match="not a manifest of format 3") as caught:
        manifest.parse(json.dumps({"format": number}).encode(), "x.json")
    assert caught.value.reason == "bad-manifest"


@pytest.mark.parametrize("more", [{}, {"kind": "colour"}, {"kind": "batch", "epoch": "blue"}])
def test_an_announcement_with_a_higher_number_is_newer_whatever_else_it_has(
    more: dict[str, str],
) -> None:
    body = json.dumps({"version": VERSION + 1} | more).encode()
    with pytest.raises(BadBatch, match="upgrade the aggregators before") as caught:
        parse_announcement(body)
    assert caught.value.reason == UNKNOWN_VERSION
