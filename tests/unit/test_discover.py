"""Names tell to which log a file belongs, and how old it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mailtally_collector.tail.discover import Discovery, parse_name

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("name", "stem", "compressed"),
    [
        ("stats", "stats", False),
        ("stats.1", "stats", False),
        ("stats.12.gz", "stats", True),
        ("stats-20261122", "stats", False),
        ("stats.20261122.gz", "stats", True),
        ("stats-2026-11-22", "stats", False),
        ("stats-2026112213.gz", "stats", True),
        ("stats-20261122-1795348800", "stats", False),
        ("stats-1795348800", "stats", False),
        ("mail.log.3", "mail.log", False),
        ("mail1.example.com", "mail1.example.com", False),
        ("stats-12", "stats-12", False),
        ("stats.old", "stats.old", False),
        (".1", ".1", False),
        ("@400000003f641df5117366a4.s", "current", False),
        ("@400000003f641df5117366a4.u", "current", False),
        ("current", "current", False),
        ("@400000003f641df5117366a4.t", "@400000003f641df5117366a4.t", False),
    ],
)
def test_a_name_is_taken_apart(name: str, stem: str, *, compressed: bool) -> None:
    parsed = parse_name(name)
    assert (parsed.stem, parsed.compressed) == (stem, compressed)
    assert parsed.is_primary == (name == stem)


@pytest.mark.parametrize(
    "names",
    [
        ["stats.10.gz", "stats.9", "stats.2", "stats.1.gz", "stats.0", "stats"],
        ["stats-20251231.gz", "stats-20260101", "stats-2026010113", "stats-20260102", "stats"],
        ["@400000003f641df5117366a4.s", "@400000003f641df6117366a4.u", "current"],
    ],
)
def test_age_orders_the_files_of_a_log(names: list[str]) -> None:
    assert sorted(sorted(names), key=lambda name: parse_name(name).age) == names


def test_a_long_hostile_name_is_taken_apart_at_once() -> None:
    assert not parse_name("s-20260101" + "-1" * 100).is_primary
    assert parse_name("s-20260101" + "-1" * 100 + "x").is_primary


def found(directory: Path, pattern: str) -> list[str]:
    return [
        f.path.removeprefix(f"{directory}/") for f in Discovery([str(directory / pattern)]).look()
    ]


def write(directory: Path, *names: str) -> None:
    for name in names:
        (directory / name).parent.mkdir(exist_ok=True)
        (directory / name).write_bytes(b"x\n")


def test_a_primary_stands_for_its_rotated_files(tmp_path: Path) -> None:
    write(tmp_path, "stats", "stats.1", "stats.2.gz", "stats.bak", "other.1")
    assert found(tmp_path, "stats") == ["stats.2.gz", "stats.1", "stats"]


def test_rotated_files_are_found_while_there_is_no_primary(tmp_path: Path) -> None:
    write(tmp_path, "stats.1", "stats-20261122101500", ".stats.1", "other.1", "stats.bak")
    assert found(tmp_path, "stats") == ["stats-20261122101500", "stats.1"]
    assert found(tmp_path, "s*s") == ["stats-20261122101500", "stats.1"]
    assert found(tmp_path, ".s*s") == [".stats.1"]


def test_a_rotated_file_asked_for_by_name_stands_for_itself(tmp_path: Path) -> None:
    write(tmp_path, "stats", "stats.1")
    assert found(tmp_path, "stats.1") == ["stats.1"]


def test_a_gz_beside_its_plain_file_is_left_alone(tmp_path: Path) -> None:
    write(tmp_path, "stats", "stats.1", "stats.1.gz")
    assert found(tmp_path, "stats*") == ["stats.1", "stats"]
    assert found(tmp_path, "*.gz") == []


def test_the_same_name_in_two_directories_is_two_logs(tmp_path: Path) -> None:
    write(tmp_path, "a/stats", "a/stats.1", "b/stats")
    looked = Discovery([f"{tmp_path}/*/stats*"]).look()
    assert [(f.log.removeprefix(f"{tmp_path}/")) for f in looked] == [
        "a/stats",
        "a/stats",
        "b/stats",
    ]


def test_other_compressions_are_left_aside_and_told_of_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path, "stats", "stats.1.xz")
    discovery = Discovery([str(tmp_path / "stats*")])
    for _ in range(2):
        assert [f.name.stem for f in discovery.look()] == ["stats"]
    assert len(caplog.records) == 1


def test_of_two_links_the_primary_counts(tmp_path: Path) -> None:
    write(tmp_path, "stats-20260101")
    (tmp_path / "current").hardlink_to(tmp_path / "stats-20260101")
    assert found(tmp_path, "*") == ["current"]


def test_what_is_not_there_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "stats").symlink_to("nowhere")
    assert found(tmp_path, "stats*") == []
    assert found(tmp_path / "missing", "stats*") == []
