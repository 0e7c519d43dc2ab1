"""Names tell to which log a file belongs, and how old it is."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailtally_collector.tail.discover import Discovery, parse_name
from mailtally_collector.tail.paths import path_of, text_of


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


def test_a_gz_beside_its_plain_file_is_found_as_well(tmp_path: Path) -> None:
    write(tmp_path, "stats", "stats.1", "stats.1.gz")
    assert found(tmp_path, "stats*") == ["stats.1", "stats.1.gz", "stats"]


def test_rotated_files_beside_a_links_target_belong_to_the_link(tmp_path: Path) -> None:
    write(tmp_path, "real/stats", "real/stats.1", "real/stats.2.gz", "real/other.1")
    (tmp_path / "stats").symlink_to("real/stats")
    looked = Discovery([str(tmp_path / "stats*")]).look()
    assert [f.path.removeprefix(f"{tmp_path}/") for f in looked] == [
        "real/stats.2.gz",
        "real/stats.1",
        "stats",
    ]
    assert {f.log for f in looked} == {str(tmp_path / "stats")}


def test_the_same_name_in_two_directories_is_two_logs(tmp_path: Path) -> None:
    write(tmp_path, "a/stats", "a/stats.1", "b/stats")
    looked = Discovery([f"{tmp_path}/*/stats*"]).look()
    assert [(f.log.removeprefix(f"{tmp_path}/")) for f in looked] == [
        "a/stats",
        "a/stats",
        "b/stats",
    ]


def test_first_bytes_tell_the_compression_and_not_the_name(tmp_path: Path) -> None:
    label = "@400000003f641df5117366a4.s"
    write(tmp_path, "stats", "stats.3.gz")
    (tmp_path / "stats.1").write_bytes(gzip.compress(b"x\n"))
    (tmp_path / "stats.2").write_bytes(bz2.compress(b"x\n"))
    (tmp_path / label).write_bytes(lzma.compress(b"x\n"))
    looked = Discovery([f"{tmp_path}/stats", f"{tmp_path}/current"]).look()
    assert [(Path(f.path).name, f.name.compressed) for f in looked] == [
        (label, True),
        ("stats.3.gz", False),
        ("stats.2", True),
        ("stats.1", True),
        ("stats", False),
    ]


def test_no_log_is_written_to_a_compressed_file(tmp_path: Path) -> None:
    (tmp_path / "stats").write_bytes(gzip.compress(b"x\n"))
    [only] = Discovery([f"{tmp_path}/stats"]).look()
    assert only.name.compressed
    assert not only.name.is_primary


def test_a_file_that_was_written_anew_is_looked_into_again(tmp_path: Path) -> None:
    discovery = Discovery([f"{tmp_path}/*"])
    (tmp_path / "stats.1").write_bytes(b"x\n")
    assert [f.name.compressed for f in discovery.look()] == [False]
    (tmp_path / "stats.1").write_bytes(gzip.compress(b"x\n"))
    assert [f.name.compressed for f in discovery.look()] == [True]


def test_compressions_that_are_not_read_are_refused_and_told_of_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path, "stats")
    (tmp_path / "stats.1").write_bytes(b"\x1f\x9d\x90x")
    discovery = Discovery([str(tmp_path / "stats*")])
    for _ in range(2):
        assert [f.name.stem for f in discovery.look()] == ["stats"]
        assert "compress" in discovery.refused[f"{tmp_path}/stats.1"]
    assert len(caplog.records) == 1


def test_what_can_be_no_log_is_left_alone(tmp_path: Path) -> None:
    write(tmp_path, "stats")
    (tmp_path / "stats.d").mkdir()
    os.mkfifo(tmp_path / "stats.1")
    (tmp_path / "stats.2").symlink_to(tmp_path / "stats.2")
    (tmp_path / "stats.3").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "stats.sock"))
        discovery = Discovery([str(tmp_path / "stats*")])
        assert [f.path for f in discovery.look()] == [f"{tmp_path}/stats"]
    assert list(discovery.refused) == [f"{tmp_path}/stats.2"]  # a link to itself may hide anything


def test_what_was_named_as_a_log_and_is_none_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "stats")
    discovery = Discovery([str(tmp_path / "stats")])
    assert discovery.look() == []
    assert discovery.refused == {f"{tmp_path}/stats": "it is a pipe"}


def test_names_that_are_no_utf8_are_found_as_text(tmp_path: Path) -> None:
    name = os.fsdecode(b"stats-\xe4lter\n")
    (tmp_path / name).write_bytes(b"x\n")
    [only] = Discovery([f"{tmp_path}/*"]).look()
    assert only.path == f"{tmp_path}/stats-\\xe4lter\\x0a"
    assert only.path.isprintable()
    assert path_of(only.path) == f"{tmp_path}/{name}"


@given(st.binary(min_size=1).filter(lambda name: b"\0" not in name))
def test_each_path_has_a_text_of_its_own(name: bytes) -> None:
    path = os.fsdecode(name)
    text = text_of(path)
    assert text.isprintable()
    assert text.encode()
    assert path_of(text) == path


def test_of_two_links_the_primary_counts(tmp_path: Path) -> None:
    write(tmp_path, "stats-20260101")
    (tmp_path / "current").hardlink_to(tmp_path / "stats-20260101")
    assert found(tmp_path, "*") == ["current"]


def test_what_is_not_there_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "stats").symlink_to("nowhere")
    assert found(tmp_path, "stats*") == []
    assert found(tmp_path / "missing", "stats*") == []


def test_rotated_files_beside_the_target_of_two_links_belong_to_the_last_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("l", "real"):
        (tmp_path / name).mkdir()
    write(tmp_path / "real", "stats", "stats.1")
    links = [tmp_path / "l" / name for name in ("a", "b", "c")]
    for link in links:
        link.symlink_to("../real/stats")
    for order in (links, links[::-1]):  # of a set, it is another one in each process
        paths = [str(link) for link in order]
        monkeypatch.setattr(Discovery, "_paths", lambda _, paths=paths: paths)
        logs = {Path(f.path).name: Path(f.log).name for f in Discovery(["unused"]).look()}
        assert logs["stats.1"] == "c"
