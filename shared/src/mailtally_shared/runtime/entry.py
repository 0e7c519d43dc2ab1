"""The commands of a service: ``run`` and ``check``, the same for all three."""

from __future__ import annotations

import gc
import logging
import sys
from typing import TYPE_CHECKING, TypeVar

import click

from mailtally_shared.errors import SettingsError
from mailtally_shared.runtime import crash_points
from mailtally_shared.runtime.errors_shown import FAILED, plain_errors
from mailtally_shared.runtime.lifecycle import Stop, stop_with_parent
from mailtally_shared.runtime.logs import configure_logging, event
from mailtally_shared.runtime.options import config_option
from mailtally_shared.runtime.settings.base import BaseServiceSettings
from mailtally_shared.runtime.settings.loading import load_settings
from mailtally_shared.runtime.settings.sources import (
    described_unknown,
    exposed_secret_files,
    unknown_variables,
)
from mailtally_shared.runtime.urls import mask_url
from mailtally_shared.shown import printable
from mailtally_shared.suggesting import SuggestingGroup

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

S = TypeVar("S", bound=BaseServiceSettings)

_logger = logging.getLogger(__name__)


def service_cli(
    name: str,
    settings_class: type[S],
    run: Callable[..., None],
    check: Callable[[S], Iterable[str]],
    run_options: Sequence[click.Option] = (),
    *,
    show: Callable[[S], Iterable[str]] = lambda _: (),
) -> click.Group:
    """Return the command of a service.

    Args:
        name: the command, e.g. ``mailtally-loader``.
        settings_class: the service's settings.
        run: does the work: ``run(settings, stop, **options)``. SIGTERM and
            SIGINT request ``stop``; it then completes the work in progress and returns.
        check: tries the connections; yields a sentence for each that fails.
        run_options: further options of ``run``, passed to it by name.
        show: yields what else the check shows, a line each.

    Returns:
        A click group; calling it is the program.
    """
    group = SuggestingGroup(name, help=settings_class.__doc__)
    click.version_option(package_name=name)(group)
    group.add_command(_run_command(settings_class, run, run_options))
    group.add_command(_check_command(settings_class, check, show))
    return group


def _run_command(
    settings_class: type[S], run: Callable[..., None], run_options: Sequence[click.Option]
) -> click.Command:
    @click.command("run", help="Run the service until it is stopped.")
    @config_option
    @plain_errors
    def command(config: Path | None, **options: object) -> None:
        # What was imported is never freed. Garbage collection skips it from here on, also at the
        # exit, where that took a tenth of a second.
        gc.freeze()
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


def _check_command(
    settings_class: type[S],
    check: Callable[[S], Iterable[str]],
    show: Callable[[S], Iterable[str]],
) -> click.Command:
    @click.command("check", help="Check the settings and the connections; change nothing.")
    @config_option
    @plain_errors
    def command(config: Path | None) -> None:
        settings = load_settings(settings_class, config)
        for sentence in described_unknown(settings_class):
            click.echo(f"Note: {sentence}", err=True)
        for path in exposed_secret_files(settings_class):
            click.echo(f"Note: every user of this machine can read {path}: chmod 600 it.", err=True)
        for line in show(settings):
            click.echo(line)
        problems = [printable(mask_url(problem)) for problem in check(settings)]
        for problem in problems:
            click.echo(problem, err=True)
        if problems:
            sys.exit(FAILED)
        click.echo("Settings and connections are good.")

    return command


def _refuse_misspelt_crash_point() -> None:
    if crash_points.is_misspelt():
        raise SettingsError(f"{crash_points.VARIABLE}: this service has no such crash point")


def _warn_of_unknown_variables(settings_class: type[BaseServiceSettings]) -> None:
    described = described_unknown(settings_class)
    for name, sentence in zip(unknown_variables(settings_class), described, strict=True):
        event(_logger, logging.WARNING, "unknown-variable", sentence, variable=name)


def _warn_of_exposed_secrets(settings_class: type[BaseServiceSettings]) -> None:
    for path in exposed_secret_files(settings_class):
        sentence = "Every user of this machine can read a file of secrets: chmod 600 it."
        event(_logger, logging.WARNING, "secret-exposed", sentence, path=path)
