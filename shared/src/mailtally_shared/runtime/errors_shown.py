"""How a command fails: one plain sentence on standard error, and an exit code."""

from __future__ import annotations

import functools
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from mailtally_shared.errors import MailtallyError, SettingsError
from mailtally_shared.runtime.urls import mask_url
from mailtally_shared.shown import printable_lines

if TYPE_CHECKING:
    from collections.abc import Callable

FAILED = 1
WRONG_USAGE = 2
INTERRUPTED = 130  # 128 + SIGINT, as shells have it


def plain_errors(command: Callable[..., None]) -> Callable[..., None]:
    """Add the option ``--debug`` to a click command, and exit codes to its errors.

    =========================  ====  ==========================================
    error                      exit  standard error
    =========================  ====  ==========================================
    ``SettingsError``          2     every wrong setting, one per line
    ``MailtallyError``         1     its sentence
    ``OSError``                1     the failure and the file
    anything else              1     the error and its place; suggests ``--debug``
    Ctrl-C                     130   nothing
    =========================  ====  ==========================================

    With ``--debug`` the traceback comes first. Place the decorator right above the
    function, below all click decorators.
    """

    @click.option("--debug", is_flag=True, help="Show a traceback when something fails.")
    @functools.wraps(command)
    def guarded(*, debug: bool, **options: object) -> None:
        try:
            command(**options)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise  # click handles these itself
        except KeyboardInterrupt:
            sys.exit(INTERRUPTED)
        except Exception as error:  # noqa: BLE001  # the last handler before the user
            _fail(error, debug=debug)

    return guarded


def sentence_of(error: Exception) -> str:
    """Return the text of an error for a person: without secrets, and printable."""
    return printable_lines(mask_url(_sentence(error)))


def _sentence(error: Exception) -> str:
    if isinstance(error, MailtallyError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    return (
        f"Unexpected {type(error).__name__}{_place(error)}: {error}. "
        "Run it again with --debug to see more."
    )


def _place(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""


def _fail(error: Exception, *, debug: bool) -> NoReturn:
    if debug:
        trace = mask_url("".join(traceback.format_exception(error)))
        click.echo(printable_lines(trace), err=True, nl=False)
    click.echo(sentence_of(error), err=True)
    sys.exit(WRONG_USAGE if isinstance(error, SettingsError) else FAILED)
