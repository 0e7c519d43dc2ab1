"""The loader on real directories and real databases, killed at every step."""

from __future__ import annotations

import fcntl
import gzip
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from sqlalchemy import select
from sqlalchemy.exc import DataError

from mailtally_loader.__main__ import main
from mailtally_loader.crash_at import CrashAt
from mailtally_loader.inbox import Inbox
from mailtally_loader.loader import Loader
from mailtally_loader.service import run
from mailtally_loader.settings import LoaderSettings
from mailtally_loader.upsert import load
from mailtally_shared.billing.engine import open_engine, reading
from mailtally_shared.billing.tables import CHANGE, DAILY, DETAIL, LOAD
from mailtally_shared.billing.upgrade import upgrade
from mailtally_shared.errors import Unavailable
from mailtally_shared.runtime.lifecycle import Stop
from tests.support.day_sets import DAY, NAMES, put_bare, put_set
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

    from mailtally_loader.crash_at import Step
    from mailtally_loader.judge import Verdict
    from mailtally_shared.days import DaySet

pytest_plugins = ["tests.support.postgres"]

NAME = "01.02.2026.qml"


class Crash(BaseException):
    """Stands for kill -9: nothing catches it."""


class Site:
    """A statistic directory and its database."""

    def __init__(self, engine: Engine, directory: Path) -> None:
        self.engine = engine
        self.directory = directory

    def work(self, step: Step = lambda _: None) -> None:
        """What a freshly started loader does in its first pass, without settling."""
        loader = Loader(
            self.engine,
            self.directory,
            Inbox(self.directory, 0),
            max_file_bytes=1 << 22,
            step=step,
        )
        loader.make_directories()
        loader.work(now=1e9, monotonic=0.0)

    def rows(self) -> dict[str, list[tuple[Any, ...]]]:
        with reading(self.engine) as connection:
            return {
                table.name: [
                    tuple(row)
                    for row in connection.execute(select(table).order_by(*table.primary_key))
                ]
                for table in (LOAD, DAILY, DETAIL, CHANGE)
            }

    def files(self) -> dict[str, bytes]:
        return {
            str(path.relative_to(self.directory)): path.read_bytes()
            for path in sorted(self.directory.rglob("*"))
            if path.is_file() and path.name != ".lock"
        }


@pytest.fixture
def site(database_url: str, tmp_path: Path) -> Iterator[Site]:
    engine = open_engine(database_url)
    upgrade(engine)
    yield Site(engine, tmp_path / "statistic")
    engine.dispose()


@pytest.fixture
def lite(tmp_path: Path) -> Iterator[Site]:
    engine = open_engine(f"sqlite:///{tmp_path}/lite.sqlite")
    upgrade(engine)
    yield Site(engine, tmp_path / "statistic")
    engine.dispose()


def test_a_set_is_loaded_archived_and_gone_from_the_inbox(site: Site) -> None:
    put_set(site.directory, {"a.example": 69})
    site.work()
    assert [row[1:3] for row in site.rows()["mail_traffic_daily"]] == [("a.example", 69)]
    loaded = [f"loaded/{NAME}.csv.gz", f"loaded/{NAME}.json", f"loaded/{NAME}.txt.gz"]
    assert list(site.files()) == loaded


def test_several_days_are_loaded_oldest_first(lite: Site) -> None:
    for day in (3, 1, 2):
        put_set(lite.directory, {"a.example": day}, day=DAY.replace(day=day))
    lite.work()
    assert [row[1].day for row in lite.rows()["mail_traffic_load"]] == [1, 2, 3]


def prepare(directory: Path, case: str) -> None:
    """Put into the inbox what the second of two loads finds there."""
    if case == "restated":
        put_set(directory, {"a.example": 2048, "new.example": 1}, revision=2)
    elif case == "bare":
        put_bare(directory, {"a.example": 9, "b.example": 1})
    elif case == "damaged":
        put_set(directory, {"a.example": 7}, revision=2)
        (directory / NAMES.breakdown).write_bytes(b"damaged")
    else:
        put_set(directory, {"a.example": 1024, "went.example": 5}, revision=2)  # the same


class Passings:
    """Counts the crash points passed, and dies at one of them."""

    def __init__(self, die_at: int | None = None) -> None:
        self.passed: list[CrashAt] = []
        self._die_at = die_at

    def __call__(self, point: CrashAt) -> None:
        self.passed.append(point)
        if len(self.passed) == self._die_at:
            raise Crash


def outcome(directory: Path, case: str, step: Passings) -> tuple[object, object]:
    """A first load, then a second one under ``step``, then starts without trouble."""
    engine = open_engine(f"sqlite:///{directory}/lite.sqlite")
    upgrade(engine)
    site = Site(engine, directory / "statistic")
    put_set(site.directory, {"a.example": 1024, "went.example": 5})
    site.work()
    prepare(site.directory, case)
    with suppress(Crash):
        site.work(step)
    site.work()
    site.work()
    engine.dispose()
    return site.rows(), site.files()


@pytest.mark.parametrize("case", ["restated", "bare", "damaged", "same"])
def test_killed_at_any_step_the_next_start_ends_in_the_same_state(
    tmp_path: Path, case: str
) -> None:
    smooth = Passings()
    expected = outcome(tmp_path / "smooth", case, smooth)
    for number, point in enumerate(smooth.passed, 1):
        killed = outcome(tmp_path / f"{number}", case, Passings(number))
        assert killed == expected, f"killed at {point}, the {number}th step"


def test_the_cases_above_pass_every_crash_point(tmp_path: Path) -> None:
    passed = set()
    for case in ("restated", "damaged"):
        step = Passings()
        outcome(tmp_path / case, case, step)
        passed.update(step.passed)
    assert passed == set(CrashAt)


@pytest.mark.parametrize("point", [CrashAt.ROWS_LOADED, CrashAt.COMMITTED, CrashAt.ARCHIVING])
def test_a_real_kill_9_costs_nothing(site: Site, point: CrashAt) -> None:
    put_set(site.directory, {"a.example": 69})
    command = [sys.executable, "-m", "mailtally_loader", "run", "--once"]
    environment = {
        "MAILTALLY_STATISTIC_DIR": str(site.directory),
        "MAILTALLY_DATABASE_URL": site.engine.url.render_as_string(hide_password=False),
    }
    killed = subprocess.run(command, env={**environment, "MAILTALLY_CRASH_AT": point}, check=False)
    assert killed.returncode == -signal.SIGKILL
    subprocess.run(command, env=environment, check=True)
    assert [row[1:3] for row in site.rows()["mail_traffic_daily"]] == [("a.example", 69)]
    assert len(site.rows()["mail_traffic_load"]) == 1
    assert [name.partition("/")[0] for name in site.files()] == ["loaded"] * 3


def test_a_newer_revision_that_arrives_after_half_a_claim_wins(lite: Site) -> None:
    def step(point: CrashAt) -> None:
        moved = lite.directory / "loading" / NAMES.stem / NAMES.manifest
        if point is CrashAt.CLAIMING and moved.exists():
            raise Crash

    put_set(lite.directory, {"a.example": 1})
    with pytest.raises(Crash):
        lite.work(step)
    put_set(lite.directory, {"a.example": 2}, revision=2)
    lite.work()
    assert [row[2] for row in lite.rows()["mail_traffic_daily"]] == [2]
    assert [name for name in lite.files() if not name.startswith("loaded/")] == []


def test_what_else_lies_in_loading_is_left_alone(lite: Site) -> None:
    stray = lite.directory / "loading" / "notes"
    stray.mkdir(parents=True)
    (stray / "todo.txt").touch()
    lite.work()
    assert list(lite.files()) == ["loading/notes/todo.txt"]


def test_a_bad_file_is_set_aside_whole_with_its_reason_and_the_next_is_loaded(site: Site) -> None:
    put_set(site.directory, {"a.example": 1})
    (site.directory / NAMES.breakdown).write_bytes(b"damaged")
    put_set(site.directory, {"b.example": 2}, day=DAY.replace(day=2))
    site.work()
    assert [row[1] for row in site.rows()["mail_traffic_daily"]] == ["b.example"]
    place = site.directory / "rejected" / "01.02.2026"
    assert sorted(path.name for path in place.iterdir()) == [
        f"{NAME}.csv",
        f"{NAME}.json",
        f"{NAME}.reason.txt",
        f"{NAME}.txt",
    ]
    reason = (place / f"{NAME}.reason.txt").read_text("ascii")
    assert reason.startswith("bad-checksum\n")
    assert reason.count("\n") == 2


def test_an_earlier_reject_is_never_overwritten(lite: Site) -> None:
    for number in (1, 2, 3):
        put_bare(lite.directory, {f"bad name {number} ": 1})
        lite.work()
    rejected = sorted(path.name for path in (lite.directory / "rejected").iterdir())
    assert rejected == ["01.02.2026", "01.02.2026.2", "01.02.2026.3"]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("31.02.2026.qml.txt", b"", "bad-name"),
        ("01.03.2026.qml.txt", b"x" * (1 << 23), "too-large"),
        ("01.03.2026.qml.txt", b"\x00", "bad-line"),
    ],
)
def test_every_kind_of_bad_file_gets_out_of_the_way(
    lite: Site, name: str, content: bytes, reason: str
) -> None:
    lite.directory.mkdir()
    (lite.directory / name).write_bytes(content)
    lite.work()
    (found,) = (lite.directory / "rejected").rglob("*.reason.txt")
    assert found.read_text("ascii").splitlines()[0] == reason
    assert not (lite.directory / name).exists()


def test_files_of_hsphere_itself_are_loaded(site: Site) -> None:
    put_bare(site.directory, {"a.example": 3})
    site.work()
    assert [row[1:3] for row in site.rows()["mail_traffic_daily"]] == [("a.example", 3072)]
    archived = site.directory / "loaded" / f"{NAME}.txt.gz"
    assert gzip.decompress(archived.read_bytes()) == b"|a.example|3|1|0|\r\n"


def test_what_is_claimed_stays_claimed_while_the_database_is_away(tmp_path: Path) -> None:
    away = open_engine("postgresql://192.0.2.1:1/x?connect_timeout=1")
    put_set(tmp_path, {"a.example": 1})
    with pytest.raises(Unavailable):
        Site(away, tmp_path).work()
    engine = open_engine(f"sqlite:///{tmp_path}/lite.sqlite")
    upgrade(engine)
    back = Site(engine, tmp_path)
    back.work()
    assert len(back.rows()["mail_traffic_daily"]) == 1


def test_a_newer_revision_waits_until_the_one_in_loading_is_worked_off(tmp_path: Path) -> None:
    place = tmp_path / "statistic"
    away = open_engine("postgresql://192.0.2.1:1/x?connect_timeout=1")
    for revision in (1, 2):
        put_set(place, {"a.example": revision}, revision=revision)
        with pytest.raises(Unavailable):
            Site(away, place).work()
    assert (place / NAMES.qml).exists()
    engine = open_engine(f"sqlite:///{tmp_path}/lite.sqlite")
    upgrade(engine)
    back = Site(engine, place)
    back.work()
    back.work()
    assert [row[2] for row in back.rows()["mail_traffic_load"]] == [1, 2]


def test_rows_that_the_database_refuses_do_not_hold_up_the_next_day(
    lite: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse_the_first(engine: Engine, day_set: DaySet, **others: Any) -> Verdict:  # noqa: ANN401  # passed on as they are
        if day_set.day == DAY:
            raise DataError("INSERT", {}, ValueError("no such value"))
        return load(engine, day_set, **others)

    monkeypatch.setattr("mailtally_loader.loader.load", refuse_the_first)
    put_set(lite.directory, {"a.example": 1})
    put_set(lite.directory, {"b.example": 2}, day=DAY.replace(day=2))
    lite.work()
    assert [row[1] for row in lite.rows()["mail_traffic_daily"]] == ["b.example"]
    (reason,) = (lite.directory / "rejected").rglob("*.reason.txt")
    assert reason.read_text("ascii").startswith("refused-by-database\n")


def settings_for(site: Site) -> LoaderSettings:
    url = site.engine.url.render_as_string(hide_password=False)
    return LoaderSettings(database_url=url, statistic_dir=site.directory, poll=0.01, settle=0.01)


def test_the_service_loads_what_arrives_until_it_is_stopped(site: Site) -> None:
    with Stop() as stop:
        service = threading.Thread(target=run, args=(settings_for(site), stop))
        service.start()
        for revision in (1, 2):
            put_set(site.directory, {"a.example": revision}, revision=revision)
            wait_until(lambda: len(site.rows()["mail_traffic_load"]) == revision)  # noqa: B023 - at once
        stop.request()
        service.join(10)
        assert not service.is_alive()


def test_a_second_loader_of_a_directory_waits_for_the_first(
    lite: Site, caplog: pytest.LogCaptureFixture
) -> None:
    put_set(lite.directory, {"a.example": 1})
    loading = lite.directory / "loading"
    loading.mkdir()
    with Stop() as stop, (loading / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        service = threading.Thread(target=run, args=(settings_for(lite), stop))
        with caplog.at_level("WARNING"):
            service.start()
            wait_until(lambda: "Another loader" in caplog.text)
        assert lite.rows()["mail_traffic_load"] == []
        fcntl.flock(lock, fcntl.LOCK_UN)
        wait_until(lambda: lite.rows()["mail_traffic_load"])
        stop.request()
        service.join(10)
        assert not service.is_alive()


def test_a_stop_in_the_middle_of_a_load_leaves_it_to_the_next_start(lite: Site) -> None:
    put_set(lite.directory, {f"d{number}.example": 1 for number in range(20_000)})

    class StopLater(Stop):
        asked = 0

        @property
        def requested(self) -> bool:
            self.asked += 1
            return self.asked > 9

    with StopLater() as stop:
        run(settings_for(lite), stop)
    assert lite.rows()["mail_traffic_load"] == []
    lite.work()
    assert len(lite.rows()["mail_traffic_daily"]) == 20_000


def test_a_full_disk_or_a_forbidden_directory_is_waited_out(
    lite: Site, caplog: pytest.LogCaptureFixture
) -> None:
    put_set(lite.directory, {"a.example": 1})
    (lite.directory / "loading").mkdir()
    in_the_way = lite.directory / "loaded"
    in_the_way.mkdir()
    (in_the_way / f".{NAME}.json.tmp").mkdir()
    with Stop() as stop:
        service = threading.Thread(target=run, args=(settings_for(lite), stop))
        with caplog.at_level("WARNING"):
            service.start()
            wait_until(lambda: "Trying again." in caplog.text)
        (in_the_way / f".{NAME}.json.tmp").rmdir()
        wait_until((in_the_way / f"{NAME}.txt.gz").exists)
        stop.request()
        service.join(10)
    assert len(lite.rows()["mail_traffic_load"]) == 1


def invoke(arguments: list[str], lite: Site, **environment: str) -> tuple[int, str]:
    variables = {
        "MAILTALLY_STATISTIC_DIR": str(lite.directory),
        "MAILTALLY_DATABASE_URL": lite.engine.url.render_as_string(hide_password=False),
        **environment,
    }
    result = CliRunner(env=variables).invoke(main, arguments)
    return result.exit_code, result.output


def test_the_command_once_loads_what_is_there_and_ends(lite: Site) -> None:
    put_bare(lite.directory, {"a.example": 1})
    assert invoke(["run", "--once"], lite)[0] == 0
    assert len(lite.rows()["mail_traffic_daily"]) == 1


def test_the_command_once_fails_when_the_database_is_away(lite: Site) -> None:
    url = "postgresql://u:s3cr3t@192.0.2.1:1/x?connect_timeout=1"
    code, output = invoke(["run", "--once"], lite, MAILTALLY_DATABASE_URL=url)
    assert code == 1
    assert "cannot be used" in output
    assert "s3cr3t" not in output


def test_check_names_everything_that_is_wrong_and_changes_nothing(
    lite: Site, tmp_path: Path
) -> None:
    assert invoke(["check"], lite)[0] == 0
    fresh = f"sqlite:///{tmp_path}/fresh.sqlite"
    assert invoke(["check"], lite, MAILTALLY_DATABASE_URL=fresh)[0] == 0
    assert not (tmp_path / "fresh.sqlite").exists()
    (tmp_path / "file").touch()
    broken = {
        "MAILTALLY_DATABASE_URL": "postgresql://192.0.2.1:1/x?connect_timeout=1",
        "MAILTALLY_STATISTIC_DIR": str(tmp_path / "file" / "below"),
    }
    code, output = invoke(["check"], lite, **broken)
    assert code == 1
    assert "cannot be used" in output
    assert "cannot be written to" in output
    assert invoke(["check"], lite, MAILTALLY_LOADER__POLL="often")[0] == 2
    assert invoke(["check"], lite, MAILTALLY_DATABASE_URL="oracle://x")[0] == 2
