"""A service's command: its exit codes, and one plain sentence for each way to fail."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Annotated, ClassVar

import click
import pytest
from click.testing import CliRunner
from pydantic import Field

from mailtally_shared.errors import MailtallyError, SettingsError, Unavailable
from mailtally_shared.runtime.entry import service_cli
from mailtally_shared.runtime.errors_shown import plain_errors, sentence_of
from mailtally_shared.runtime.settings import BrokerSettings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from click.testing import Result

    from mailtally_shared.runtime.lifecycle import Stop


class SampleSettings(BrokerSettings):
    """A sample of a service."""

    service: ClassVar[str] = "collector"

    window: Annotated[int, Field(gt=0, description="How many.")] = 16


class Service:
    """What a service hands to ``service_cli``; remembers how it was called."""

    def __init__(self, *problems: str) -> None:
        self.problems = problems
        self.settings: SampleSettings | None = None
        self.options: dict[str, object] = {}
        self.stopped = False

    def run(self, settings: SampleSettings, stop: Stop, **options: object) -> None:
        self.settings, self.options = settings, options
        os.kill(os.getpid(), signal.SIGTERM)
        self.stopped = stop.wait(60)

    def check(self, _settings: SampleSettings) -> Iterator[str]:
        yield from self.problems

    def invoke(self, *arguments: str) -> Result:
        once = click.Option(["--once"], is_flag=True, help="Do what is there, and end.")
        command = service_cli("mailtally-sample", SampleSettings, self.run, self.check, [once])
        return CliRunner().invoke(command, arguments)


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILTALLY_BROKER_URL", "redis://:s3cr3t@redis.example.com/0")


def test_run_gives_the_service_its_settings_options_and_the_signals(tmp_path: Path) -> None:
    config = tmp_path / "mailtally.toml"
    config.write_text("[collector]\nwindow = 3")
    service = Service()
    result = service.invoke("run", "--once", "--config", str(config))
    assert result.exit_code == 0
    assert service.settings is not None
    assert service.settings.window == 3
    assert service.options == {"once": True}
    assert service.stopped


@pytest.mark.parametrize("command", ["run", "check"])
def test_wrong_settings_exit_with_2_and_all_errors(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAILTALLY_COLLECTOR__WINDOW", "0")
    monkeypatch.delenv("MAILTALLY_BROKER_URL")
    result = Service().invoke(command)
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 2
    assert result.stdout == ""


def test_check_is_content_with_good_settings_and_connections() -> None:
    result = Service().invoke("check")
    assert (result.exit_code, result.stdout) == (0, "Settings and connections are good.\n")


def test_check_names_every_connection_that_is_bad_without_its_password() -> None:
    result = Service("No queue: redis://:s3cr3t@h/0.", "No state.").invoke("check")
    assert result.exit_code == 1
    assert result.stderr == "No queue: redis://:***@h/0.\nNo state.\n"


def test_check_mentions_a_variable_that_is_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILTALLY_COLLECTOR__WINDWO", "1")
    monkeypatch.setenv("MAILTALLY_LOADER__ANYTHING", "1")
    result = Service().invoke("check")
    assert result.exit_code == 0
    sentence = "Note: MAILTALLY_COLLECTOR__WINDWO is set, but there is no such setting"
    assert result.stderr == f"{sentence}; did you mean MAILTALLY_COLLECTOR__WINDOW?\n"


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("MAILTALLY_LOG", "MAILTALLY_LOGS"),
        ("MAILTALLY_TIMEZON", "MAILTALLY_TIMEZONE"),
        ("MAILTALLY_WINDOW", "MAILTALLY_COLLECTOR__WINDOW"),
        ("MAILTALLY_STATE_URL_FIL", "MAILTALLY_STATE_URL_FILE"),
    ],
)
def test_check_mentions_a_variable_of_no_service(
    monkeypatch: pytest.MonkeyPatch, name: str, meant: str
) -> None:
    monkeypatch.setenv(name, "1")
    stderr = Service().invoke("check").stderr
    assert f"{name} is set, but there is no such setting" in stderr
    assert f"did you mean {meant}?" in stderr


@pytest.mark.parametrize(
    "name", ["MAILTALLY_LOG_DIR", "MAILTALLY_AGGREGATOR__GRACE", "MAILTALLY_DATABASE_URL"]
)
def test_check_says_nothing_of_what_others_read(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "1")
    assert Service().invoke("check").stderr == ""


def test_wrong_usage_exits_with_2() -> None:
    assert Service().invoke("run", "--twice").exit_code == 2
    assert Service().invoke("walk").exit_code == 2


def fail_with(error: BaseException, *arguments: str) -> Result:
    @click.command()
    @plain_errors
    def command() -> None:
        raise error

    return CliRunner().invoke(command, arguments)


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (SettingsError("One is wrong.\nTwo is wrong."), 2, "One is wrong.\nTwo is wrong.\n"),
        (MailtallyError("It failed."), 1, "It failed.\n"),
        (Unavailable("redis://:s3cr3t@h is away."), 1, "redis://:***@h is away.\n"),
        (PermissionError(13, "Permission denied", "/x"), 1, "Permission denied: /x\n"),
        (OSError(28, "No space left on device"), 1, "No space left on device\n"),
        (click.UsageError("Name a file."), 2, None),
        (KeyboardInterrupt(), 130, ""),
        (SystemExit(7), 7, ""),
    ],
)
def test_each_error_has_its_exit_code_and_sentence(
    error: BaseException, code: int, sentence: str | None
) -> None:
    result = fail_with(error)
    assert result.exit_code == code
    assert sentence is None or result.stderr == sentence


@pytest.mark.parametrize("option", [(), ("--debug",)])
def test_text_from_outside_is_printable_in_an_error(option: tuple[str, ...]) -> None:
    result = fail_with(MailtallyError("The file \x1b]0;owned\x07 is odd."), *option)
    assert result.stderr.endswith("The file \\x1b]0;owned\\x07 is odd.\n")
    assert "\x1b" not in result.stderr


def test_an_unexpected_error_says_where_and_how_to_see_more() -> None:
    result = fail_with(KeyError("redis://:s3cr3t@h"))
    assert result.exit_code == 1
    assert result.stderr.startswith("Unexpected KeyError at test_entry.py:")
    assert "--debug" in result.stderr
    assert "s3cr3t" not in result.stderr
    assert "Traceback" not in result.stderr


def test_debug_shows_the_traceback_first_and_still_no_password() -> None:
    result = fail_with(MailtallyError("redis://:s3cr3t@h is away."), "--debug")
    assert result.exit_code == 1
    assert result.stderr.startswith("Traceback")
    assert result.stderr.endswith("\nredis://:***@h is away.\n")
    assert "s3cr3t" not in result.stderr


def test_an_error_that_was_never_raised_has_a_sentence_too() -> None:
    assert sentence_of(ValueError("odd")).startswith("Unexpected ValueError: odd.")


def test_a_crash_point_that_no_service_has_is_wrong_usage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mailtally_shared.runtime.crash_points.is_misspelt", lambda: True)
    service = Service()
    assert service.invoke("run").exit_code == 2
    assert service.settings is None


def test_the_help_names_both_commands() -> None:
    result = Service().invoke("--help")
    assert result.exit_code == 0
    assert "run" in result.stdout
    assert "check" in result.stdout
