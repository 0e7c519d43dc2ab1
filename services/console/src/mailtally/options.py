"""Options that several commands have: which site is meant, and whose logs are given."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import click

from mailtally_shared.runtime.options import config_option
from mailtally_shared.schema import host_name
from mailtally_shared.shown import one_line

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
R = TypeVar("R")

_data = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="Data directory of 'mailtally up'.",
)


def of_a_site(command: Callable[P, R]) -> Callable[P, R]:
    """Add ``--data`` and ``--config``, the arguments of ``console_settings``, to a command."""
    return _data(config_option(command))


def _host_name(context: click.Context, parameter: click.Parameter, name: str | None) -> str | None:
    """Refuse a name that no collector can register: no day file with it could be loaded."""
    if name is None or name == parameter.get_default(context):
        return name
    try:
        return host_name(name)
    except ValueError as error:
        raise click.BadParameter(f"{error}, not '{one_line(name)}'.") from None


def collector_option(text: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return ``--collector``, the mail host whose collector counts as the one of all lines."""
    return click.option("--collector", metavar="HOST", callback=_host_name, help=text)


def of_unnamed_logs(command: Callable[..., None]) -> Callable[..., None]:
    """Add ``--host``, the mail host of logs that name none."""
    return click.option(
        "--host",
        default=lambda: socket.gethostname().lower(),
        show_default="this machine's name",
        callback=_host_name,
        help="Mail host of logs that name none, such as multilog's.",
    )(command)


def number_option(
    name: str, kind: click.ParamType[Any], default: float, text: str
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return an option for a number that has a default."""
    return click.option(name, type=kind, default=default, show_default=True, help=text)
