"""The command of a service: ``run`` and ``check``, the same for all three."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from mailtally_shared.errors import SettingsError
from mailtally_shared.process import crash_points
from mailtally_shared.process.errors_shown import FAILED, plain_errors
from mailtally_shared.process.lifecycle import Stop
from mailtally_shared.process.logs import configure_logging, event, get_logger
from mailtally_shared.process.parent import stop_with_parent
from mailtally_shared.process.settings.base import BaseServiceSettings
from mailtally_shared.process.settings.loading import load_settings
from mailtally_shared.process.settings.sources import (
    described_unknown,
    exposed_secret_files,
    unknown_variables,
)
from mailtally_shared.process.urls import mask_url
from mailtally_shared.shown import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

S = TypeVar("S", bound=BaseServiceSettings)

_logger = get_logger(__name__)


def service_cli(
    name: str,
    settings_class: type[S],
    run: Callable[..., None],
    check: Callable[[S], Iterable[str]],
    run_options: Sequence[click.Option] = (),
) -> click.Group:
    """The command of a service.

    Args:
        name: the command, e.g. ``mailtally-loader``.
        settings_class: the service's settings.
        run: does the work: ``run(settings, stop, **options)``. SIGTERM and
            SIGINT request ``stop``; it then finishes what is in hand and returns.
        check: tries the connections; yields a sentence for each that fails.
        run_options: further options of ``run``, passed to it by name.

    Returns:
        A click group; calling it is the program.
    """
    group = click.Group(name, help=settings_class.__doc__)
    group.add_command(_run_command(settings_class, run, run_options))
    group.add_command(_check_command(settings_class, check))
    return group


def _run_command(
    settings_class: type[S], run: Callable[..., None], run_options: Sequence[click.Option]
) -> click.Command:
    @click.command("run", help="Do the service's work until it is stopped.")
    @_config_option
    @plain_errors
    def command(config: Path | None, **options: object) -> None:
        settings = load_settings(settings_class, config)
        configure_logging(settings.log_level, settings.log_format)
        _refuse_misspelt_crash_point()
        _warn_of_unknown_variables(settings_class)
        _warn_of_exposed_secrets(settings_class)
        with Stop().install() as stop:
            stop_with_parent(stop)
            run(settings, stop, **options)

    command.params.extend(run_options)
    return command


def _check_command(settings_class: type[S], check: Callable[[S], Iterable[str]]) -> click.Command:
    @click.command("check", help="Try the settings and the connections; change nothing.")
    @_config_option
    @plain_errors
    def command(config: Path | None) -> None:
        settings = load_settings(settings_class, config)
        for sentence in described_unknown(settings_class):
            click.echo(f"Note: {sentence}", err=True)
        for path in exposed_secret_files(settings_class):
            click.echo(f"Note: everybody on this machine may read {path}.", err=True)
        problems = [printable(mask_url(problem)) for problem in check(settings)]
        for problem in problems:
            click.echo(problem, err=True)
        if problems:
            sys.exit(FAILED)
        click.echo("Settings and connections are good.")

    return command


_config_option = click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="MAILTALLY_CONFIG",
    help="A TOML file with settings. The environment wins over it.",
)


def _refuse_misspelt_crash_point() -> None:
    if crash_points.is_misspelt():
        raise SettingsError(f"{crash_points.VARIABLE}: this service has no such crash point")


def _warn_of_unknown_variables(settings_class: type[BaseServiceSettings]) -> None:
    described = described_unknown(settings_class)
    for name, sentence in zip(unknown_variables(settings_class), described, strict=True):
        event(_logger, logging.WARNING, "unknown-variable", sentence, variable=name)


def _warn_of_exposed_secrets(settings_class: type[BaseServiceSettings]) -> None:
    for path in exposed_secret_files(settings_class):
        sentence = "Everybody on this machine may read a file of secrets: chmod 600 it."
        event(_logger, logging.WARNING, "secret-exposed", sentence, path=path)
