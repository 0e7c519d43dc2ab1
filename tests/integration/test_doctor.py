"""``mailtally doctor`` on real sites: sound ones pass, and each sum broken on purpose is named."""

from __future__ import annotations

import gzip
import json
import threading
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from mailtally.commands.doctor import doctor
from mailtally.commands.report import report
from mailtally.local.embedded_redis import EmbeddedRedis
from mailtally_shared.audit.conservation import check_records
from mailtally_shared.audit.finding import Level
from mailtally_shared.billing.engine import open_engine, writing
from mailtally_shared.days import ChargingPolicy, DayNames
from mailtally_shared.days.directory import look_at_archive, look_at_directory
from mailtally_shared.days.names import LOADED, LOADING
from mailtally_shared.errors import BadBatch
from mailtally_shared.schema import place_of
from mailtally_shared.state.client import connect_state
from mailtally_shared.state.read.audited import read_rows
from mailtally_shared.state.read.books_read import read_books
from mailtally_shared.state.uncounted.quarantine import Quarantine, QuarantineLimits
from tests.support.day_sets import put_bare, put_set
from tests.support.hand_driven_site import POLICY, HandDrivenSite
from tests.support.held_sums import alter
from tests.support.records import NOON, FakeCollector, Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mailtally_shared.state.client import State

DAY = date(2026, 2, 16)
NAMES = DayNames.of(DAY)
MORNING_AFTER = NOON + 86_400
MAIL = "mail.example.net"
RECORDS = [
    Record(size=1000, attempts=3),
    Record(size=20, status="timeout"),
    Record(domain="b.example", size=5),
]
ALL_SUMS = {
    "lines = records + malformed",
    "records = messages",
    "day = sum of its rows",
    "breakdown = qml = database",
    "day = its files",
    "archive = database",
    "archived rows",
}


@pytest.fixture
def state(empty_redis: EmbeddedRedis) -> Iterator[State]:
    with connect_state(empty_redis.state_url) as client:
        yield client


@pytest.fixture
def empty_site(
    state: State,
    empty_redis: EmbeddedRedis,
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> HandDrivenSite:
    """Only successful messages are charged, so that statuses matter."""
    charging = ChargingPolicy(charged_statuses=("success",))
    site = HandDrivenSite(state, tmp_path, database_url, replace(POLICY, charging=charging))
    site.put_into_environment(empty_redis.state_url, monkeypatch)
    return site


@pytest.fixture
def site(empty_site: HandDrivenSite) -> HandDrivenSite:
    """A day is counted, written, loaded and archived."""
    empty_site.count(RECORDS, passed=MORNING_AFTER)
    empty_site.write(MORNING_AFTER)
    empty_site.load(MORNING_AFTER)
    return empty_site


def examined(*arguments: str, code: int = 0) -> dict[str, tuple[str, str]]:
    """Level and sentence by check."""
    result = CliRunner().invoke(doctor, ["--format", "json", *arguments])
    assert result.exit_code == code, result.output
    findings: list[dict[str, Any]] = json.loads(result.stdout)["findings"]
    return {each["check"]: (each["level"], each["sentence"]) for each in findings}


def failed(*arguments: str) -> dict[str, str]:
    """The sentences of all checks that failed."""
    found = examined(*arguments, code=1)
    return {check: sentence for check, (level, sentence) in found.items() if level == "FAILED"}


def execute(site: HandDrivenSite, statement: str) -> None:
    engine = open_engine(site.database_url)
    with writing(engine) as connection:
        assert connection.execute(text(statement)).rowcount > 0
    engine.dispose()


@pytest.mark.usefixtures("site")
def test_a_sound_site_passes_every_check() -> None:
    found = examined("--deep")
    assert found.keys() > ALL_SUMS
    levels = {check: level for check, (level, _) in found.items() if level != "ok"}
    assert levels == {"collector mail1": "warning"}, "it is long since it was heard of"


@pytest.mark.usefixtures("site")
def test_for_people_there_is_a_line_a_check() -> None:
    lines = CliRunner().invoke(doctor, []).stdout.splitlines()
    assert any(line.startswith("ok       records = messages") for line in lines)
    assert any(line.startswith("warning  collector mail1") for line in lines)


def test_late_records_retired_days_and_quarantined_batches_keep_the_sums(
    site: HandDrivenSite,
) -> None:
    site.policy = replace(site.policy, retention=3600.0)
    site.write(MORNING_AFTER)
    site.count([Record(size=7)], passed=MORNING_AFTER)
    quarantine = Quarantine(site.state, site.keys, QuarantineLimits())
    header = site.collector.batch([Record()])
    quarantine.batch(header, b"junk", BadBatch("bad-checksum", ""), NOON, at_once=True)
    found = examined("--deep", code=1)
    assert {check: found[check][0] for check in ALL_SUMS} == dict.fromkeys(ALL_SUMS, "ok")
    assert found["records = messages"][1] == "4 records = 0 in days + 3 retired + 1 late + 0 held."
    assert "1 for 2026-02-16" in found["late records"][1]
    assert found["quarantine"][0] == "FAILED"
    assert "bad-checksum 1" in found["quarantine"][1]


def alter_row(site: HandDrivenSite, name: str, *, size: int) -> bool:
    alter(site.state, site.keys.totals.sums(DAY, place_of("mail1", MAIL)), name, size=size)
    return True


STATE_BROKEN: dict[str, tuple[Callable[[HandDrivenSite], object], set[str]]] = {
    "a line too many": (
        lambda site: site.state.hincrby(site.keys.ledger(site.collector.id), "lines", 1),
        {"lines = records + malformed"},
    ),
    "a malformed line too many": (
        lambda site: site.state.hincrby(site.keys.ledger(site.collector.id), "malformed:nul", 1),
        {"lines = records + malformed"},
    ),
    "a record that is in no day": (
        lambda site: [
            site.state.hincrby(site.keys.ledger(site.collector.id), name, 1)
            for name in ("lines", "records")
        ],
        {"records = messages"},
    ),
    "a ledger that is gone": (
        lambda site: site.state.delete(site.keys.ledger(site.collector.id)),
        {"records = messages"},
    ),
    "a late message of nobody": (
        lambda site: [
            site.state.zadd(site.keys.late.days, {DAY.isoformat(): 1}),
            site.state.hincrby(site.keys.late.day(DAY), "messages", 1),
        ],
        {"records = messages", "day = sum of its rows"},
    ),
    "a row with other bytes": (
        lambda site: alter_row(site, "b.example", size=-1),
        {"day = sum of its rows"},
    ),
    "rows that were evicted": (
        lambda site: site.state.delete(site.keys.totals.sums(DAY, place_of("mail1", MAIL))),
        {"day = sum of its rows"},
    ),
    "a day that was evicted": (
        lambda site: site.state.delete(site.keys.totals.day(DAY)),
        {"records = messages", "newest files"},
    ),
    "a day with other bytes": (
        lambda site: site.state.hincrby(site.keys.totals.day(DAY), "bytes", 1),
        {"day = sum of its rows", "day = its files"},
    ),
    "a day and its rows with other bytes": (
        lambda site: (
            site.state.hincrby(site.keys.totals.day(DAY), "bytes", 1),
            site.state.hincrby(site.keys.totals.day(DAY), "transferred", 1),
            alter_row(site, "b.example", size=1),
            site.state.hset(site.keys.totals.day(DAY), "hours_left", "1"),  # nor do they add up
        ),
        {"day = its files"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("how", STATE_BROKEN)
def test_what_is_amiss_in_the_state_is_named(site: HandDrivenSite, how: str) -> None:
    damage, checks = STATE_BROKEN[how]
    damage(site)
    assert failed().keys() == checks


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE mail_traffic_daily SET bytes = bytes + 1", "mail_traffic_daily has 2 rows"),
        ("UPDATE mail_traffic_daily SET hits_html = 1, hits_all = 0", "mail_traffic_daily"),
        ("DELETE FROM mail_traffic_daily WHERE domain = 'b.example'", "mail_traffic_daily has 1"),
        ("UPDATE mail_traffic_detail SET messages = 9", "mail_traffic_detail has"),
        ("DELETE FROM mail_traffic_detail", "mail_traffic_detail has 0 rows"),
        (
            "UPDATE mail_traffic_detail SET status = 'partial' WHERE domain = 'b.example'",
            "mail_traffic_detail charges",
        ),
    ],
)
def test_rows_that_were_changed_are_named(site: HandDrivenSite, statement: str, words: str) -> None:
    execute(site, statement)
    sentence = failed()["breakdown = qml = database"]
    assert sentence.startswith("2026-02-16: ")
    assert words in sentence


def test_a_day_that_is_gone_from_the_database_is_named(site: HandDrivenSite) -> None:
    for table in ("daily", "detail", "load"):
        execute(site, f"DELETE FROM mail_traffic_{table}")  # noqa: S608 - names of our own
    assert "not in the database" in failed()["archive = database"]


def test_bytes_moved_from_one_domain_to_another_are_seen_by_the_deep_look(
    site: HandDrivenSite,
) -> None:
    execute(site, "UPDATE mail_traffic_daily SET bytes = 1005 - bytes")
    examined()
    assert "example" in failed("--deep")["archived rows"]


def repack(path: Path, old: bytes, new: bytes) -> None:
    content = gzip.decompress(path.read_bytes())
    assert old in content
    path.write_bytes(gzip.compress(content.replace(old, new)))


@pytest.mark.parametrize(
    ("name", "old", "new", "word"),
    [
        (NAMES.qml, b"|b.example|", b"|c.example|", "not the file"),
        (NAMES.qml, b"|1|0|", b"|1|zero|", "line 1"),
        (NAMES.breakdown, b"b.example,", b"a.example,", "breakdown a.example"),
    ],
)
def test_archived_files_that_were_changed_are_seen_by_the_deep_look(
    site: HandDrivenSite, name: str, old: bytes, new: bytes, word: str
) -> None:
    repack(site.statistic_dir / LOADED / f"{name}.gz", old, new)
    examined()
    assert word in failed("--deep")["archived rows"]


@pytest.mark.parametrize("name", [NAMES.qml, NAMES.breakdown])
def test_archived_files_that_cannot_be_read_are_seen_by_the_deep_look(
    site: HandDrivenSite, name: str
) -> None:
    path = site.statistic_dir / LOADED / f"{name}.gz"
    path.write_bytes(path.read_bytes()[:-9])
    assert "2026-02-16" in failed("--deep")["archived rows"]
    path.unlink()
    assert failed("--deep").keys() == {"archived rows", "archive = database"}


def test_a_manifest_that_was_changed_or_is_gone_is_named(site: HandDrivenSite) -> None:
    path = site.statistic_dir / LOADED / NAMES.manifest
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps(manifest | {"total_bytes": 1, "charged_bytes": 2}))
    assert failed().keys() == {"day = its files", "archive = database"}
    path.unlink()
    assert "revision 1 are missing" in failed()["day = its files"]


def test_a_bare_file_is_checked_as_far_as_it_goes(empty_site: HandDrivenSite) -> None:
    put_bare(empty_site.statistic_dir, {"b.example": 1, "a.example": 2})
    empty_site.load(NOON)
    found = examined("--deep")
    assert "1 archived days" in found["archived rows"][1]
    execute(empty_site, "UPDATE mail_traffic_daily SET bytes = 3072 - bytes")
    assert failed("--deep").keys() == {"archived rows"}


def test_a_newer_revision_on_its_way_is_nothing_amiss(site: HandDrivenSite) -> None:
    site.count([Record(size=1)], passed=MORNING_AFTER)
    site.write(MORNING_AFTER + 1)
    assert "1 day files wait for the loader" in examined()["waiting files"][1]
    place = site.statistic_dir / LOADING / NAMES.stem
    place.mkdir()
    for name in NAMES.all:
        (site.statistic_dir / name).rename(place / name)
    execute(site, "UPDATE mail_traffic_load SET revision = 2")  # as between commit and archive
    assert "being loaded" in examined()["archive = database"][1]


def test_a_day_archived_between_two_looks_is_moving(tmp_path: Path) -> None:
    before = look_at_archive(tmp_path)
    put_set(tmp_path / LOADED, {"a.example": 1})
    (tmp_path / LOADED / "01.02.2026.qml.txt").rename(tmp_path / LOADED / "01.02.2026.qml.txt.gz")
    assert look_at_directory(tmp_path, before, ()).moving == {date(2026, 2, 1)}
    assert look_at_directory(tmp_path, look_at_archive(tmp_path), ()).moving == frozenset()


def test_the_sums_hold_at_every_moment_while_batches_are_applied(
    empty_site: HandDrivenSite,
) -> None:
    def count() -> None:
        for number in range(60):
            empty_site.count([Record(time=NOON + number * 40_000)] * 3, passed=NOON)

    counting = threading.Thread(target=count)
    counting.start()
    looks = 0
    while counting.is_alive() or not looks:
        books = read_books(empty_site.state, empty_site.keys)
        assert check_records(books).level is Level.OK
        assert all(day.own == day.rows for day in read_rows(empty_site.state, empty_site.keys))
        looks += 1
    counting.join()
    assert read_books(empty_site.state, empty_site.keys).ledgers[0].records == 180


def test_a_former_collector_of_a_host_stays_in_the_sums(site: HandDrivenSite) -> None:
    site.collector = FakeCollector(site.state, site.keys, epoch=2)
    site.count([Record()], passed=NOON)
    found = examined()
    assert found["records = messages"][1].startswith("4 records = 4 in days")


@pytest.mark.usefixtures("site")
def test_a_variable_that_is_no_setting_is_warned_of_with_the_nearest_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MAILTALLY_CHARGED_STATUSES", "success")
    level, sentence = examined()["settings"]
    assert level == "warning"
    assert "MAILTALLY_CHARGED_STATUSES is set, but there is no such setting" in sentence
    assert "did you mean MAILTALLY_AGGREGATOR__CHARGED_STATUSES?" in sentence


def test_rejected_files_are_warned_of(site: HandDrivenSite) -> None:
    put_set(site.statistic_dir, {"a.example": 1})
    (site.statistic_dir / "01.02.2026.qml.csv").write_bytes(b"damaged")
    site.load(NOON)
    level, sentence = examined()["rejected files"]
    assert (level, "01.02.2026" in sentence) == ("warning", True)


def test_expected_hosts_that_were_never_seen_are_warned_of(
    site: HandDrivenSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAILTALLY_AGGREGATOR__EXPECTED_HOSTS", "mail1, mail2")
    assert examined()["collector mail2"][0] == "warning"
    assert site.collector.host == "mail1"


def test_servers_that_are_away_have_failed(
    site: HandDrivenSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAILTALLY_STATE_URL", f"unix://{site.data_dir}/nobody.sock")
    nobody = "postgresql://u:s3cr3t@127.0.0.1:1/x"
    monkeypatch.setenv("MAILTALLY_DATABASE_URL", nobody)
    found = failed()
    assert "does not answer" in found["state"]
    assert "cannot be used" in found["database"]
    assert "s3cr3t" not in str(found)


#: Checks that say something about what only the state knows.
OF_THE_STATE = {
    "quarantine",
    "late records",
    "held records",
    "day = its files",
    "newest files",
    "records = messages",
}


def test_nothing_is_said_of_what_a_state_that_cannot_be_read_holds(
    site: HandDrivenSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert examined().keys() >= OF_THE_STATE
    monkeypatch.setenv("MAILTALLY_STATE_URL", f"unix://{site.data_dir}/nobody.sock")
    found = examined(code=1)
    assert found["state"][0] == "FAILED"
    assert found.keys().isdisjoint(OF_THE_STATE)
    assert "rejected files" in found


def test_a_damaged_database_has_failed(
    site: HandDrivenSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    damaged = site.data_dir / "damaged.sqlite"
    damaged.write_bytes(b"no database" * 1000)
    monkeypatch.setenv("MAILTALLY_DATABASE_URL", f"sqlite:///{damaged}")
    assert "damaged" in failed()["database"]


def test_a_statistic_directory_that_is_not_here_has_failed(
    site: HandDrivenSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAILTALLY_STATISTIC_DIR", f"{site.data_dir}/nowhere")
    assert failed().keys() == {"statistic directory"}


def test_tables_of_another_version_have_failed(site: HandDrivenSite) -> None:
    execute(site, "UPDATE mail_traffic_version SET version_num = '9999'")
    assert "9999" in failed()["database"]


def test_a_site_where_nothing_happened_yet_is_only_warned_of(
    empty_site: HandDrivenSite,
) -> None:
    empty_site.state.flushall()
    found = examined()
    assert found["state"][0] == found["statistic directory"][0] == "warning"
    assert not Path(f"{empty_site.data_dir}/data/mailtally.sqlite").exists()


def test_a_state_of_another_version_has_failed(site: HandDrivenSite) -> None:
    site.state.set(site.keys.format, "99")
    assert "b'99'" in failed()["state"]


def test_a_sleeping_site_is_examined_too(
    redis_program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert redis_program
    monkeypatch.delenv("MAILTALLY_STATE_URL", raising=False)
    data = tmp_path / ("long" * 30)
    database = f"sqlite:///{data}/mailtally.sqlite"
    arguments = ("--data", str(data))
    with EmbeddedRedis(data) as server, connect_state(server.state_url) as state:
        site = HandDrivenSite(state, data, database)
        site.count(RECORDS, passed=MORNING_AFTER)
        site.write(MORNING_AFTER)
        site.load(MORNING_AFTER)
        awake = examined(*arguments)
        assert CliRunner().invoke(report, arguments).stderr == ""
    assert awake["records = messages"] == examined(*arguments)["records = messages"]
    assert "is not running" in CliRunner().invoke(report, arguments).stderr
