"""The picture of sampled stacks: shares are right, and nothing of the machine is in it."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from tools.benchmarks.kernels.flamegraph import svg, tree

ENTRY = "<module> (mailtally_collector/__main__.py:34);run (mailtally_shared/runtime/entry.py:69)"
WORK = "turn (mailtally_collector/reading.py:10)"
STACKS = [
    f"{ENTRY};{WORK};parse (mailtally_collector/formats/stats/parser.py:1);0x7f01 (?) 50",
    f"{ENTRY};{WORK};parse (mailtally_collector/formats/stats/parser.py:2);0x7f02 (?) 25",
    f"{ENTRY};{WORK};write (/opt/python/lib/sqlite3/dbapi2.py:7);0x7f03 (libc.so.6) 20",
    f"{ENTRY};{WORK};Event.wait (threading.py:3);sleep (libc.so.6) 900",
    "worker (numpy/core.so) 5",
]


def test_a_function_is_as_wide_as_its_share_of_the_samples() -> None:
    root = tree(STACKS, "collector")
    assert root.samples == 100  # without those that wait
    work = root.below["turn (mailtally_collector/reading.py)"]
    assert work.samples == 95
    assert work.below["parse (mailtally_collector/formats/stats/parser.py)"].samples == 75


def test_the_way_into_the_service_is_left_out_and_what_is_not_ours_is_elsewhere() -> None:
    assert set(tree(STACKS, "collector").below) == {
        "turn (mailtally_collector/reading.py)",
        "elsewhere",
    }


def test_addresses_become_machine_code_or_the_library_they_are_in() -> None:
    text = svg(tree(STACKS, "collector"))
    assert "machine code of a kernel: 75.0%" in text
    assert "libc.so.6: 20.0%" in text
    assert "0x7f" not in text
    assert "/opt" not in text


def test_the_picture_is_well_formed_whatever_names_hold() -> None:
    hostile = 'turn.<locals>.<lambda> & "co" (mailtally_collector/a.py:1) 3'
    assert ET.fromstring(svg(tree([hostile], "a < b"))).tag.endswith("svg")  # noqa: S314 - our own


def test_what_is_too_narrow_to_be_seen_is_left_out() -> None:
    many = [f"{WORK};leaf{k} (mailtally_collector/a.py:1) 1" for k in range(2000)]
    assert svg(tree(many, "collector")).count("<rect") == 3
