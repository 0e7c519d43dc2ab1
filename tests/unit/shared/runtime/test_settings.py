"""Settings: who wins, what is refused, and that one start names everything wrong."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

import pytest
from pydantic import Field

from mailtally_shared.errors import SettingsError
from mailtally_shared.runtime.settings import (
    BrokerSettings,
    Bytes,
    ClusterSettings,
    DatabaseSettings,
    HealthSettings,
    LogFileSettings,
    Seconds,
    SettingsTable,
    StatisticSettings,
    describe,
    load_settings,
)

if TYPE_CHECKING:
    from collections.abc import Callable

BROKER = "redis://redis.example.com:6379/0"


class SpoolSettings(SettingsTable):
    """A table below the service's."""

    keep_applied: Annotated[Seconds, Field(description="How long.")] = 3600.0
    limit: Annotated[Bytes, Field(description="How much.")] = 1 << 30


class Sample(BrokerSettings, LogFileSettings, ClusterSettings, HealthSettings, StatisticSettings):
    """A service like the collector."""

    service: ClassVar[str] = "collector"

    window: Annotated[int, Field(gt=0, description="How many.")] = 16
    spool: Annotated[SpoolSettings, Field(description="The spool.")] = SpoolSettings()


class Stored(DatabaseSettings, StatisticSettings):
    """A service like the loader."""

    service: ClassVar[str] = "loader"


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILTALLY_BROKER_URL", BROKER)


@pytest.fixture
def toml(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        path = tmp_path / "mailtally.toml"
        path.write_text(text)
        return path

    return write


def errors_of(config: Path | None = None, **overrides: object) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load_settings(Sample, config, **overrides)
    return str(caught.value).split("\n")


def test_overrides_win_over_the_environment_over_the_file_over_defaults(
    toml: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load_settings(Sample).window == 16
    config = toml("[collector]\nwindow = 2")
    assert load_settings(Sample, config).window == 2
    monkeypatch.setenv("MAILTALLY_COLLECTOR__WINDOW", "3")
    assert load_settings(Sample, config).window == 3
    assert load_settings(Sample, config, window=4).window == 4
    assert load_settings(Sample, config, window=None).window == 3


def test_what_is_said_for_one_service_wins_over_what_is_said_for_all(
    toml: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = toml('timezone = "Asia/Tokyo"\n[collector]\ntimezone = "Europe/Oslo"')
    assert load_settings(Sample, config).timezone == "Europe/Oslo"
    monkeypatch.setenv("MAILTALLY_TIMEZONE", "Europe/Rome")
    assert load_settings(Sample, config).timezone == "Europe/Rome"
    monkeypatch.setenv("MAILTALLY_COLLECTOR__TIMEZONE", "Europe/Berlin")
    assert load_settings(Sample, config).timezone == "Europe/Berlin"


def test_a_services_own_setting_is_not_heard_under_a_shared_name(
    toml: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAILTALLY_WINDOW", "99")
    assert load_settings(Sample).window == 16
    assert errors_of(toml("window = 99"))[0].startswith("window in ")


def test_nested_settings_come_from_both_places_value_by_value(
    toml: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAILTALLY_COLLECTOR__SPOOL__KEEP_APPLIED", "2h")
    settings = load_settings(Sample, toml('[collector.spool]\nlimit = "64MiB"\nkeep_applied = 5'))
    assert settings.spool == SpoolSettings(keep_applied=7200.0, limit=64 << 20)


def test_an_empty_variable_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILTALLY_STATE_URL", "")
    assert load_settings(Sample).state_url is None


def test_the_tables_of_other_services_and_their_shared_settings_are_let_be(
    toml: Callable[[str], Path],
) -> None:
    text = f'broker_url = "{BROKER}"\n[collector]\nwhatever = 1\n[loader]\n'
    assert load_settings(Stored, toml(text)).statistic_dir == Path("/var/lib/mailtally/statistic")


def test_all_errors_come_at_once_each_with_its_place(
    toml: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MAILTALLY_BROKER_URL")
    monkeypatch.setenv("MAILTALLY_COLLECTOR__WINDOW", "-1")
    monkeypatch.setenv("MAILTALLY_TIMEZONE", "Mars/Olympus")
    config = toml(
        'timezon = "UTC"\n[collector]\nwindwo = 1\nhealth_address = "here"\n'
        '[collector.spool]\nlimit = "64MB"\nkept = 1\n[colector]\na = 1'
    )
    assert set(errors_of(config, log_level="loud")) == {
        f"timezon in {config}: there is no such setting; did you mean timezone?",
        f"colector in {config}: there is no such setting; did you mean collector?",
        "--log-level: it should be 'debug', 'info', 'warning' or 'error', not 'loud'",
        "MAILTALLY_TIMEZONE: expected a time zone such as UTC or Europe/Berlin, not 'Mars/Olympus'",
        "MAILTALLY_BROKER_URL is not set, nor is broker_url in a settings file",
        "MAILTALLY_COLLECTOR__WINDOW: it should be greater than 0, not '-1'",
        f"windwo in [collector] of {config}: there is no such setting; did you mean window?",
        (
            f"health_address in [collector] of {config}: expected an address such as "
            "127.0.0.1:9100 or [::1]:9100, not 'here'"
        ),
        (
            f"spool.limit in [collector] of {config}: expected a size such as 4096, 512KiB, 64MiB "
            "or 1GiB, not '64MB'"
        ),
        f"spool.kept in [collector] of {config}: there is no such setting",
    }


def test_a_wrong_data_dir_is_one_error_and_not_one_for_each_directory_in_it(
    toml: Callable[[str], Path],
) -> None:
    assert len(errors_of(toml("data_dir = 3"))) == 1


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"a = = 1", "is not valid TOML"),
        (b"a = '\xff'", "is not UTF-8 text"),
        (None, "cannot be read: No such file or directory"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(
    tmp_path: Path, content: bytes | None, sentence: str
) -> None:
    path = tmp_path / "mailtally.toml"
    if content is not None:
        path.write_bytes(content)
    (error,) = errors_of(path)
    assert error.startswith(f"{path}: the settings file {sentence}")


def test_a_table_that_is_none_is_an_error(toml: Callable[[str], Path]) -> None:
    (error,) = errors_of(toml("collector = 3"))
    assert error.endswith("expected a table [collector]")


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("logs = []", "logs in {}: expected at least one value"),
        ("logs = 5", "logs in {}: expected a list, not 5"),
        ("data_dir = 5", "data_dir in {}: expected a path, not 5"),
        ("[collector]\nspool = 5", "spool in [collector] of {}: expected a table, not 5"),
    ],
)
def test_a_value_of_a_wrong_kind_is_described_in_words(
    toml: Callable[[str], Path], text: str, error: str
) -> None:
    path = toml(text)
    assert errors_of(path) == [error.format(path)]


def test_a_variable_for_a_whole_table_is_json_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILTALLY_COLLECTOR__SPOOL", '{"keep_applied": 5}')
    assert load_settings(Sample).spool.keep_applied == 5
    monkeypatch.setenv("MAILTALLY_COLLECTOR__SPOOL", "5 seconds")
    monkeypatch.setenv("MAILTALLY_TIMEZONE", "Mars/Olympus")
    of_spool, of_zone = errors_of()
    assert "spool" in of_spool
    assert of_spool.endswith("expected a JSON object, or one variable for each value")
    assert of_zone.startswith("MAILTALLY_TIMEZONE")


def test_no_password_shows_in_an_error_or_the_settings_themselves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for url in ("redis//:s3cr3t@example.com", "amqp://user:s3cr3t@example.com//"):
        monkeypatch.setenv("MAILTALLY_BROKER_URL", url)
        assert "s3cr3t" not in "\n".join(errors_of())
    monkeypatch.setenv("MAILTALLY_BROKER_URL", "redis://:s3cr3t@example.com/0")
    assert "s3cr3t" not in repr(load_settings(Sample))


def test_a_broker_that_keeps_no_state_needs_a_state_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILTALLY_BROKER_URL", "amqp://rabbit.example.com//")
    (error,) = errors_of()
    assert error == (
        "state_url is not set, and a broker with the URL scheme 'amqp' cannot hold the state; "
        "set it"
    )
    monkeypatch.setenv("MAILTALLY_STATE_URL", BROKER)
    assert load_settings(Sample).resolved_state_url == BROKER


def test_directories_follow_the_data_directory_unless_they_are_set() -> None:
    settings = load_settings(Sample, data_dir=Path("/srv/mail"), statistic_dir=Path("/srv/days"))
    assert settings.state_dir == Path("/srv/mail/collector")
    assert settings.statistic_dir == Path("/srv/days")
    database_url = load_settings(Stored, data_dir=Path("/srv/mail")).database_url
    assert database_url == "sqlite:////srv/mail/mailtally.sqlite"


def test_lists_are_written_with_commas_or_as_toml_lists(
    toml: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load_settings(Sample, toml('logs = ["/a*", "/b*"]')).logs == ("/a*", "/b*")
    monkeypatch.setenv("MAILTALLY_LOGS", " /a*, /b*,")
    assert load_settings(Sample).logs == ("/a*", "/b*")
    monkeypatch.setenv("MAILTALLY_LOGS", ",")
    assert errors_of()[0].startswith("MAILTALLY_LOGS: ")


def test_making_settings_directly_reads_no_environment() -> None:
    with pytest.raises(ValueError, match="broker_url"):
        Sample()  # type: ignore[call-arg]  # that is the test


def test_settings_cannot_be_changed() -> None:
    settings = load_settings(Sample)
    with pytest.raises(ValueError, match="frozen"):
        setattr(settings, "window", 5)  # noqa: B010  # mypy refuses it, too


def test_every_setting_is_described_by_the_names_that_set_it() -> None:
    rows = {row.variable: row for row in describe(Sample)}
    assert all(row.meaning for row in rows.values())
    row = rows["MAILTALLY_COLLECTOR__SPOOL__LIMIT"]
    assert (row.toml_key, row.type, row.default) == (
        "collector.spool.limit",
        "size: bytes, or 512KiB, 64MiB, 1GiB",
        "1073741824",
    )
    assert rows["MAILTALLY_STATISTIC_DIR"].default == "/var/lib/mailtally/statistic"
    assert rows["MAILTALLY_BROKER_URL"].default == ""


def test_a_url_with_a_password_may_stand_in_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    secret = tmp_path / "database-url"
    secret.write_text("postgresql+psycopg://mailtally:word@db.example.com/mailtally\n")
    monkeypatch.setenv("MAILTALLY_DATABASE_URL_FILE", str(secret))
    assert load_settings(Stored).database_url.endswith("@db.example.com/mailtally")
    monkeypatch.setenv("MAILTALLY_DATABASE_URL", "sqlite:///elsewhere")
    assert load_settings(Stored).database_url == "sqlite:///elsewhere"


def test_the_name_of_a_variable_may_be_in_any_case(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    secret = tmp_path / "database-url"
    secret.write_text("sqlite:///of-a-file\n")
    monkeypatch.setenv("mailtally_database_url_file", str(secret))
    assert load_settings(Stored).database_url == "sqlite:///of-a-file"
    monkeypatch.setenv("Mailtally_Database_Url", "sqlite:///elsewhere")
    assert load_settings(Stored).database_url == "sqlite:///elsewhere"


def test_a_variable_below_a_value_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILTALLY_COLLECTOR__SPOOL__KEEP_APPLIED__X", "5")
    monkeypatch.setenv("MAILTALLY_COLLECTOR__SPOOL__KEEP_APPLIED__X__Y__Z", "5")
    for whole, part in (('{"keep_applied": 5}', ""), ("", "7")):
        monkeypatch.setenv("MAILTALLY_COLLECTOR__SPOOL", whole)
        monkeypatch.setenv("MAILTALLY_COLLECTOR__SPOOL__KEEP_APPLIED", part)
        errors = errors_of()
        assert [error.split(":")[0] for error in errors] == [
            "MAILTALLY_COLLECTOR__SPOOL__KEEP_APPLIED__X",
            "MAILTALLY_COLLECTOR__SPOOL__KEEP_APPLIED__X__Y__Z",
        ]


def test_a_secret_file_that_is_not_there_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MAILTALLY_DATABASE_URL_FILE", str(tmp_path / "missing"))
    with pytest.raises(SettingsError, match=r"MAILTALLY_DATABASE_URL_FILE: .*missing"):
        load_settings(Stored)
