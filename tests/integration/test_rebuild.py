"""A day whose totals were lost comes back from its logs, as a revision that the loader takes."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from mailtally.commands.doctor import doctor
from mailtally.commands.rebuild import rebuild
from mailtally_aggregator.days.restating import restated
from mailtally_shared.billing.engine import open_engine
from mailtally_shared.billing.tables import CHANGE, DAILY
from mailtally_shared.days import DayNames, read_day, write_day
from mailtally_shared.days.filed import newest_filed
from mailtally_shared.days.watermark import Gap
from mailtally_shared.state.keys import FORMAT
from mailtally_shared.state.known_gaps import LOST
from mailtally_shared.state.read.late_days import pin_of
from tests.support.cluster import log_line
from tests.support.hand_driven_site import HandDrivenSite
from tests.support.records import NOON, FakeCollector, Record
from tools.samples.maillogs import label_of

if TYPE_CHECKING:
    from pathlib import Path

    from mailtally_shared.state.client import State

DAY = date(2026, 2, 16)
NAMES = DayNames.of(DAY)
NEXT_NOON = NOON + 86_400
MAIL1, MAIL2 = "mail1.example.com", "mail2.example.com"


class Lost:
    """A site that counted a day, wrote and loaded it, and then lost its Redis."""

    def __init__(self, site: HandDrivenSite, logs: Path) -> None:
        self.site, self.logs = site, logs
        logs.mkdir()
        site.count([Record(host=MAIL1, size=10), Record(host=MAIL2, size=5)], NEXT_NOON)
        site.write(NEXT_NOON)
        site.load(NEXT_NOON)
        site.state.flushall()

    def log(self, host: str, *sizes: int, time: int = NOON) -> None:
        with (self.logs / f"{host}.stats").open("ab") as log:
            log.writelines(log_line(time, "a@example.com", size, host) for size in sizes)

    def rebuild(self, *options: str) -> Result:
        command = ["--day", str(DAY), "--logs", str(self.logs / "*"), *options]
        return CliRunner().invoke(rebuild, command)

    def billed(self) -> int:
        self.site.load(NEXT_NOON + 60)
        engine = open_engine(self.site.database_url)
        with engine.connect() as connection:
            found = connection.execute(select(DAILY.c.bytes)).scalar_one()
        engine.dispose()
        return int(found)

    def changes(self) -> list[tuple[int, int]]:
        engine = open_engine(self.site.database_url)
        with engine.connect() as connection:
            query = select(CHANGE.c.old_bytes, CHANGE.c.new_bytes).order_by(CHANGE.c.load_id)
            found = [(int(old or 0), int(new)) for old, new in connection.execute(query)]
        engine.dispose()
        return found


@pytest.fixture
def lost(
    redis_client: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_redis: object
) -> Lost:
    site = HandDrivenSite(redis_client, tmp_path / "data", f"sqlite:///{tmp_path}/billing.sqlite")
    site.put_into_environment(empty_redis.state_url, monkeypatch)  # type: ignore[attr-defined]  # an EmbeddedRedis
    return Lost(site, tmp_path / "logs")


def test_the_logs_give_the_next_revision_which_is_loaded_with_its_audit(lost: Lost) -> None:
    lost.log(MAIL1, 10, 7)
    lost.log(MAIL2, 5)
    lost.log(MAIL2, 1000, time=NOON - 86_400)
    done = lost.rebuild()
    assert done.exit_code == 0, done.output
    assert "revision 2" in done.output
    manifest = read_day(lost.site.statistic_dir, NAMES).manifest
    assert manifest is not None
    assert (manifest.revision, manifest.total_bytes, manifest.complete) == (2, 22, True)
    assert lost.billed() == 22
    assert lost.changes()[-1] == (15, 22)


def test_logs_that_say_the_same_change_nothing(lost: Lost) -> None:
    lost.log(MAIL1, 10)
    lost.log(MAIL2, 5)
    assert "nothing to do" in lost.rebuild().output
    assert not (lost.site.statistic_dir / NAMES.qml).exists()


def test_logs_that_say_the_same_make_an_incomplete_day_complete(lost: Lost) -> None:
    directory = lost.site.statistic_dir
    filed = newest_filed(directory, DAY)
    assert filed is not None
    facts = restated(filed.manifest, 2, [Gap(MAIL1, LOST, 0.0)])
    assert write_day(directory, facts, filed.rows, now=NEXT_NOON)
    assert lost.billed() == 15
    lost.log(MAIL1, 10)
    lost.log(MAIL2, 5)
    assert lost.rebuild().exit_code == 0
    manifest = read_day(directory, NAMES).manifest
    assert manifest is not None
    assert (manifest.revision, manifest.complete, manifest.incomplete) == (3, True, ())
    assert lost.billed() == 15


def hours_of(lost: Lost) -> tuple[str, int] | None:
    """Whether the rebuilt day's hours are whole or partial, and their bytes."""
    manifest = read_day(lost.site.statistic_dir, NAMES).manifest
    assert manifest is not None
    return None if manifest.hours is None else (manifest.hours.extent, manifest.hours.bytes)


def test_hours_of_a_rebuilt_day_are_whole_if_the_logs_are(lost: Lost) -> None:
    lost.log(MAIL1, 10, 7)
    lost.log(MAIL2, 5)
    assert lost.rebuild().exit_code == 0
    assert hours_of(lost) == ("whole", 22)


def test_hours_are_partial_where_filed_figures_of_a_host_are_kept(lost: Lost) -> None:
    lost.log(MAIL1, 10, 7)
    assert lost.rebuild("--archive").exit_code == 0
    assert hours_of(lost) == ("partial", 17)


def test_logs_that_say_the_same_give_a_day_without_hours_its_hours(lost: Lost) -> None:
    directory = lost.site.statistic_dir
    filed = newest_filed(directory, DAY)
    assert filed is not None
    assert write_day(directory, restated(filed.manifest, 2, []), filed.rows, now=NEXT_NOON)
    lost.site.load(NEXT_NOON + 60)
    lost.log(MAIL1, 10)
    lost.log(MAIL2, 5)
    done = lost.rebuild()
    assert "revision 3" in done.output, done.output
    assert hours_of(lost) == ("whole", 15)
    lost.site.load(NEXT_NOON + 120)
    assert "nothing to do" in lost.rebuild().output


def test_a_host_without_logs_is_refused_or_kept_from_the_archive(lost: Lost) -> None:
    lost.log(MAIL1, 10, 7)
    refused = lost.rebuild()
    assert refused.exit_code == 1
    assert MAIL2 in refused.output
    assert not (lost.site.statistic_dir / NAMES.qml).exists()
    assert lost.rebuild("--archive").exit_code == 0
    assert lost.billed() == 22


def test_hosts_whose_logs_name_none_are_counted_one_after_the_other(lost: Lost) -> None:
    gathered = {}
    for host, size in ((MAIL1, 10), (MAIL2, 7)):
        gathered[host] = lost.logs / host
        gathered[host].mkdir()
        said = (
            f"info msg 1: bytes {size} from <a@example.org> qp 1 uid 2",
            "starting delivery 1: msg 1 to local b@example.com",
            "delivery 1: success: ok/",
        )
        lines = "".join(f"{label_of(NOON * 1_000_000)} {text}\n" for text in said)
        (gathered[host] / "current").write_text(lines)
    for host, logs in gathered.items():
        done = lost.rebuild("--logs", str(logs / "current"), "--host", host, "--archive")
        assert done.exit_code == 0, done.output
        lost.site.load(NEXT_NOON + 60)
    filed = newest_filed(lost.site.statistic_dir, DAY)
    assert filed is not None
    assert {row.host: row.bytes for row in filed.rows} == {MAIL1: 10, MAIL2: 7}


def test_one_collectors_lines_of_a_host_replace_no_other_collectors_lines(lost: Lost) -> None:
    site = lost.site
    site.state.set(site.keys.format, FORMAT)
    site.state.set(site.keys.closed_before, "2026-02-17")
    site.collector = FakeCollector(site.state, site.keys, "mail7")
    site.count([Record(host=MAIL1, size=3)], NEXT_NOON)
    lost.log(MAIL1, 10, 3, 1)
    lost.log(MAIL2, 5)
    assert "collectors of mail1, mail7" in lost.rebuild().output
    assert lost.rebuild("--collector", "mail1").exit_code == 1
    assert (
        f"Redis has counted lines of {MAIL1} (collector mail7) for"
        in lost.rebuild("--collector", "mail1").output
    )
    site.load(NEXT_NOON + 60)
    of_mail7 = lost.logs.parent / "mail7.stats"
    of_mail7.write_bytes(log_line(NOON, "a@example.com", 3, MAIL1))
    own = ["--day", str(DAY), "--logs", str(of_mail7), "--collector", "mail7", "--archive"]
    done = CliRunner().invoke(rebuild, own)
    assert done.exit_code == 0, done.output
    assert "is settled" in done.output
    filed = newest_filed(site.statistic_dir, DAY)
    assert filed is not None
    found = {(one.collector, one.host): one.bytes for one in filed.rows}
    assert found == {("mail1", MAIL1): 14, ("mail1", MAIL2): 5, ("mail7", MAIL1): 3}


def test_a_day_becomes_lower_only_when_told(lost: Lost) -> None:
    lost.log(MAIL1, 3)
    assert lost.rebuild("--lower").exit_code == 0
    assert lost.billed() == 3


def test_a_day_that_redis_still_holds_is_left_to_the_day_writer(lost: Lost) -> None:
    lost.site.state.hset(lost.site.keys.totals.day(DAY), mapping={"messages": 1, "changes": 1})
    lost.log(MAIL1, 10, 7)
    lost.log(MAIL2, 5)
    refused = lost.rebuild()
    assert refused.exit_code == 1
    assert "live totals" in refused.output
    assert lost.rebuild("--even-if-live").exit_code == 0


def test_a_day_that_was_never_written_begins_with_revision_one(lost: Lost) -> None:
    lost.log(MAIL1, 4, time=NEXT_NOON)
    done = lost.rebuild("--day", "2026-02-17")
    assert "revision 1" in done.output


def test_logs_without_a_line_of_the_day_and_globs_without_a_file_are_told(lost: Lost) -> None:
    assert "No file matches" in lost.rebuild().output
    lost.log(MAIL1, 4, time=NEXT_NOON)
    assert "have no line" in lost.rebuild().output


def test_files_in_the_loaders_hands_and_damaged_ones_are_refused(lost: Lost) -> None:
    lost.log(MAIL1, 10)
    archived = lost.site.statistic_dir / "loaded" / f"{NAMES.breakdown}.gz"
    archived.write_bytes(archived.read_bytes()[:-9])
    assert "cannot be read" in lost.rebuild().output
    (lost.site.statistic_dir / "loading" / NAMES.stem).mkdir(parents=True)
    assert "is loading the files" in lost.rebuild().output


def doctor_says(check: str) -> str:
    found = json.loads(CliRunner().invoke(doctor, ["--format", "json"]).output)
    return next(
        f"{one['level']} {one['sentence']}" for one in found["findings"] if one["check"] == check
    )


def test_the_way_out_of_a_state_that_went_back_works_at_the_first_try(lost: Lost) -> None:
    site = lost.site
    site.state.set(site.keys.format, FORMAT)
    site.collector.register()
    site.collector.seq = 0
    site.count([Record(host=MAIL1, size=4)], NEXT_NOON)
    site.state.hset(site.keys.missing(site.collector.id), str(NOON // 3600), "1")
    site.write(NEXT_NOON + 1)
    assert lost.billed() == 15
    assert doctor_says("state history").startswith("FAILED 2026-02-16 is not written: Redis lost")
    assert "mailtally rebuild --day" in doctor_says("state history")
    lost.log(MAIL1, 10, 4)
    lost.log(MAIL2, 5)
    done = lost.rebuild()
    assert done.exit_code == 0, done.output
    assert "is settled" in done.output
    assert lost.billed() == 19
    assert doctor_says("state history").startswith("ok")
    assert doctor_says("newest files").startswith("ok")
    site.count([Record(host=MAIL2, size=1)], NEXT_NOON)
    site.write(NEXT_NOON + 2)
    assert lost.billed() == 20


def test_a_late_book_is_settled_by_a_rebuild_and_the_alert_ends(lost: Lost) -> None:
    site = lost.site
    site.state.set(site.keys.format, FORMAT)
    site.state.set(site.keys.closed_before, "2026-02-17")  # as --accept-empty-state does
    site.collector.register()
    site.collector.seq = 0
    site.count([Record(host=MAIL1, size=4)], NEXT_NOON)
    site.write(NEXT_NOON + 1)
    assert lost.billed() == 15
    assert "Not billed" in doctor_says("late records")
    lost.log(MAIL1, 10, 4)
    lost.log(MAIL2, 5)
    assert "is settled" in lost.rebuild().output
    assert lost.billed() == 19
    assert doctor_says("late records") == "ok None."


@pytest.mark.parametrize("pin", [False, True])
@pytest.mark.parametrize("options", [(), ("--archive",)])
def test_a_rebuild_drops_no_late_line_that_is_in_no_log(
    lost: Lost, options: tuple[str, ...], *, pin: bool
) -> None:
    site = lost.site
    site.state.set(site.keys.format, FORMAT)
    site.state.set(site.keys.closed_before, "2026-02-17")
    if pin:
        site.state.hset(site.keys.pinned, str(DAY), pin_of(site.statistic_dir, DAY))
    site.collector.register()
    site.collector.seq = 0
    late = 1 if pin else 7  # without its revision, a late book may repeat what is filed
    site.count([Record(host=MAIL2, size=late)], NEXT_NOON)
    lost.log(MAIL1, 10)
    lost.log(MAIL2, 5)
    refused = lost.rebuild(*options)
    assert refused.exit_code == 1
    assert (
        f"Not settled: Redis has counted lines of {MAIL2} (collector mail1) for {DAY}"
        in refused.output
    )
    assert lost.billed() == 15
    assert doctor_says("late records").startswith("warning")
    lost.log(MAIL2, late)
    assert "is settled" in lost.rebuild(*options).output
    assert lost.billed() == 15 + late


def test_a_rebuild_of_a_stopped_day_drops_no_line_that_is_in_no_log(lost: Lost) -> None:
    site = lost.site
    site.state.set(site.keys.format, FORMAT)
    site.collector.register()
    site.collector.seq = 0
    site.count([Record(host="mail3.example.com", size=4)], NEXT_NOON)
    site.state.hset(site.keys.missing(site.collector.id), str(NOON // 3600), "1")
    site.write(NEXT_NOON + 1)
    lost.log(MAIL1, 10)
    lost.log(MAIL2, 5)
    refused = lost.rebuild()
    assert refused.exit_code == 1
    assert "lines of mail3.example.com" in refused.output
    assert doctor_says("state history").startswith("FAILED 2026-02-16 is not written")


def test_late_lines_whose_logs_are_gone_are_dropped_when_told(lost: Lost) -> None:
    site = lost.site
    site.state.set(site.keys.format, FORMAT)
    site.state.set(site.keys.closed_before, "2026-02-17")
    site.collector.register()
    site.collector.seq = 0
    site.count([Record(host=MAIL2, size=7)], NEXT_NOON)
    lost.log(MAIL1, 10)
    lost.log(MAIL2, 5)
    assert "is settled" in lost.rebuild("--lower").output
    assert lost.billed() == 15
    assert doctor_says("late records") == "ok None."


def test_the_newest_files_above_the_state_fail_the_doctor(lost: Lost) -> None:
    site = lost.site
    site.state.set(site.keys.format, FORMAT)
    site.collector.register()
    site.collector.seq = 0
    site.count([Record(host=MAIL1, size=4)], NOON)
    assert "above revision 0 of the state" in doctor_says("newest files")
