"""The options by which a command is told which site is meant."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
R = TypeVar("R")

_data = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="The data directory of 'mailtally up'.",
)
_config = click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="MAILTALLY_CONFIG",
    help="A TOML file with settings. The environment wins over it.",
)


def of_a_site(command: Callable[P, R]) -> Callable[P, R]:
    """``--data`` and ``--config``, for ``console_settings``."""
    return _data(_config(command))
