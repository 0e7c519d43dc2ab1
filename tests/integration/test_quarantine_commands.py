"""An operator sees what was kept aside, has it counted after all, or drops it."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from mailtally.commands.doctor import doctor
from mailtally.commands.quarantine import quarantine
from mailtally.local.progress import read_progress
from mailtally_shared.errors import BadBatch
from mailtally_shared.state.client import connect_state
from mailtally_shared.state.keys import StateKeys
from mailtally_shared.state.read.late_days import pin_of
from mailtally_shared.state.read.totals import Totals
from mailtally_shared.state.uncounted.quarantine import Quarantine, QuarantineLimits
from tests.support.hand_driven_site import HandDrivenSite
from tests.support.records import NOON, Record

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mailtally.local.embedded_redis import EmbeddedRedis

DAY = date(2026, 2, 16)
WHY = BadBatch("too-large", "The payload has 9 bytes.")


@pytest.fixture
def site(
    empty_redis: EmbeddedRedis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[HandDrivenSite]:
    with connect_state(empty_redis.state_url) as state:
        made = HandDrivenSite(state, tmp_path, f"sqlite:///{tmp_path}/mailtally.sqlite")
        made.put_into_environment(empty_redis.state_url, monkeypatch)
        yield made


def keep(site: HandDrivenSite, size: int, *, good: bool = True) -> str:
    """Put a batch of one record aside; its entry."""
    header = site.collector.batch([Record(size=size)])
    payload = site.state.get(header.payload_key) if good else b"junk"
    assert isinstance(payload, bytes)
    aside = Quarantine(site.state, site.keys, QuarantineLimits())
    assert aside.batch(header, payload, WHY, NOON, at_once=True) == "kept"
    return f"{header.collector_id}:{header.seq}"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(quarantine, arguments)


def counted(site: HandDrivenSite) -> int:
    return sum(row.bytes for row in Totals(site.state, StateKeys()).read(DAY).rows)


def test_a_line_an_entry_says_whose_it_is_and_why_it_is_there(site: HandDrivenSite) -> None:
    assert run("list").output == ""
    entry = keep(site, 1)
    assert run("list").output == (
        f"{entry}  2026-02-16 12:00:00Z  mail1  1 records  too-large: The payload has 9 bytes.\n"
    )


def test_as_json_it_is_a_whole_copy(site: HandDrivenSite) -> None:
    entry = keep(site, 1)
    (found,) = json.loads(run("list", "--format", "json").output)["entries"]
    assert found["entry"] == entry
    assert found["header"]["host"] == "mail1"
    assert found["payload"]


def test_replayed_it_is_counted_once_and_everything_adds_up(site: HandDrivenSite) -> None:
    first, other = keep(site, 10), keep(site, 5)
    assert run("replay", first).output == f"{first}: Counted (1 records).\n"
    assert counted(site) == 10
    assert run("replay", first).exit_code == 2
    assert run("replay", "--all").output == f"{other}: Counted (1 records).\n"
    assert counted(site) == 15
    found = json.loads(CliRunner().invoke(doctor, ["--format", "json"]).output)["findings"]
    levels = {finding["check"]: finding["level"] for finding in found}
    assert levels["quarantine"] == "ok"
    assert "FAILED" not in levels.values()


def test_what_still_cannot_be_used_stays_and_the_command_fails(site: HandDrivenSite) -> None:
    keep(site, 10, good=False)
    result = run("replay", "--all")
    assert result.exit_code == 1
    assert "The payload is not the one that was announced." in result.output
    assert site.state.hlen(site.keys.quarantine) == 1


def test_dropped_it_is_gone_uncounted(site: HandDrivenSite) -> None:
    entry = keep(site, 10)
    assert run("drop", entry).output == f"{entry}: Dropped (1 records).\n"
    assert not site.state.exists(site.keys.quarantine)
    assert counted(site) == 0


@pytest.mark.parametrize("arguments", [(), ("--all", "some:1"), ("nothing:1",)])
def test_it_must_be_said_which_and_they_must_be_there(
    site: HandDrivenSite, arguments: tuple[str, ...]
) -> None:
    keep(site, 1)
    for command in ("replay", "drop"):
        assert run(command, *arguments).exit_code == 2
    assert site.state.hlen(site.keys.quarantine) == 1


def test_moved_out_to_a_file_and_brought_back_it_is_counted_once(
    site: HandDrivenSite, tmp_path: Path
) -> None:
    first, other = keep(site, 10), keep(site, 5)
    out = tmp_path / "kept"
    assert run("export", "--out", str(out), first).output == f"{first}: Exported (1 records).\n"
    assert first not in run("list").output
    assert run("export", "--out", str(out), other).exit_code == 2
    assert run("import", str(out)).output == f"{first}: Imported (1 records).\n"
    assert run("import", str(out)).exit_code == 1
    assert run("replay", "--all").exit_code == 0
    assert counted(site) == 15
    again = run("import", str(out))
    assert again.exit_code == 1
    assert "brought back already" in again.output
    assert counted(site) == 15


@pytest.mark.usefixtures("site")
def test_of_an_empty_quarantine_no_file_is_written(tmp_path: Path) -> None:
    done = run("export", "--all", "--out", str(tmp_path / "moved"))
    assert (done.exit_code, (tmp_path / "moved").exists()) == (0, False)
    assert "The quarantine is empty" in done.output


def test_a_file_that_is_not_whole_or_another_one_is_not_brought_back(
    site: HandDrivenSite, tmp_path: Path
) -> None:
    keep(site, 10)
    out = tmp_path / "kept"
    assert run("export", "--out", str(out), "--all").exit_code == 0
    content = out.read_bytes()
    for bad in (content[:-1], b"something else", b"", content.replace(b"too-large", b"too-snall")):
        (tmp_path / "bad").write_bytes(bad)
        assert run("import", str(tmp_path / "bad")).exit_code == 1
    assert run("list").output == ""
    assert run("import", str(out)).exit_code == 0


def test_the_progress_of_up_calls_a_quarantined_record_no_malformed_line(
    site: HandDrivenSite, empty_redis: EmbeddedRedis
) -> None:
    midnight = NOON + 43_200
    site.count([Record(size=1)], passed=midnight)
    before = read_progress(empty_redis.state_url, site.statistic_dir)
    assert (before.days, before.days_written, before.is_settled) == (1, 0, False)
    site.write(midnight)
    keep(site, 5)
    written = read_progress(empty_redis.state_url, site.statistic_dir)
    assert (written.lines, written.records, written.malformed) == (2, 1, 0)
    assert written.quarantined == 1
    assert (written.days_written, written.files_waiting, written.is_settled) == (1, 1, False)
    site.load(midnight)
    assert read_progress(empty_redis.state_url, site.statistic_dir).is_settled


def test_the_progress_of_up_waits_for_late_lines_of_a_day_that_left_redis(
    site: HandDrivenSite, empty_redis: EmbeddedRedis
) -> None:
    midnight = NOON + 43_200
    site.count([Record(size=1)], passed=midnight)
    site.write(midnight)
    site.load(midnight)
    totals = Totals(site.state, site.keys)
    (day,) = totals.days()
    site.state.hset(site.keys.pinned, str(day.day), pin_of(site.statistic_dir, day.day))
    site.state.set(site.keys.closed_before, str(day.day + timedelta(days=1)))
    site.state.zrem(site.keys.totals.days, str(day.day))
    site.state.delete(site.keys.totals.day(day.day))
    site.count([Record(size=2)], passed=midnight)
    (late,) = totals.days(site.keys.late)
    assert (late.day, late.is_dirty) == (day.day, True)
    assert read_progress(empty_redis.state_url, site.statistic_dir).days_due == 1
