"""Options that several commands have: which site is meant, and whose logs are given."""

from __future__ import annotations

import socket
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, ParamSpec, TypeVar

import click

from mailtally_collector.formats import FORMATS
from mailtally_shared.runtime.options import config_option
from mailtally_shared.runtime.settings import existing_zone
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


class LogReading(NamedTuple):
    """How given logs are read: their format, and stamps that lack a zone or a year."""

    format: str | None = None
    log_zone: str | None = None
    first_year: int | None = None


def of_given_logs(command: Callable[..., None]) -> Callable[..., None]:
    """Add ``--format``, ``--log-zone`` and ``--first-year``, in one argument ``reading``."""

    @click.option(
        *("--format", "log_format"),
        type=click.Choice(["auto", *FORMATS]),
        default="auto",
        show_default=True,
        help="Format of the logs; auto: detected from each log's lines.",
    )
    @click.option(
        "--log-zone",
        callback=_zone,
        show_default="this machine's zone",
        help="Time zone of stamps without an offset.",
    )
    @click.option(
        "--first-year",
        type=click.IntRange(1970, 9998),
        show_default="by the file's last change",
        help="Year of a log's first stamp if it has none.",
    )
    @wraps(command)
    def reads(
        *, log_format: str, log_zone: str | None, first_year: int | None, **others: object
    ) -> None:
        name = None if log_format == "auto" else log_format
        command(**others, reading=LogReading(name, log_zone, first_year))

    return reads


def _zone(_: click.Context, __: click.Parameter, name: str | None) -> str | None:
    try:
        return name and existing_zone(name)
    except ValueError as error:
        raise click.BadParameter(f"{error}, not '{one_line(name or '')}'.") from None


def number_option(
    name: str, kind: click.ParamType[Any], default: float, text: str
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return an option for a number that has a default."""
    return click.option(name, type=kind, default=default, show_default=True, help=text)
