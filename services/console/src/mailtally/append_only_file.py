"""Before a Redis starts: what a failure left half-written at its append-only file's end goes.

A Redis script is all or nothing in memory. In the file it is a block between MULTI and EXEC,
and a machine that loses its power may leave part of a block there. Redis then drops that part
from memory and not from the file (valkey-io/valkey, pull request 4342), so that the start after
the next one puts it together with whatever was written behind it. Redis's own checker cuts the
whole block off.
"""

from __future__ import annotations

import logging
import subprocess
from typing import TYPE_CHECKING

from mailtally_shared.process.logs import event, get_logger

if TYPE_CHECKING:
    from pathlib import Path

_logger = get_logger(__name__)

#: As which the server's program is its own checker.
_CHECKER = "redis-check-aof"
#: Where the file, or since Redis 7 the list of its parts, lies below the server's directory.
_PLACES = ("appendonlydir/appendonly.aof.manifest", "appendonly.aof")


def mend_append_only_file(program: Path, directory: Path) -> None:
    """Cut an unfinished block off; without one, and without a file, nothing is done.

    What is damaged elsewhere is left as it is: the server says so and does not start.

    Args:
        program: a Redis or Valkey server.
        directory: its ``dir``; no server may be using it.
    """
    for place in _PLACES:
        path = directory / place
        if path.exists():
            done = subprocess.run(  # noqa: S603  # the program that the caller found
                [_CHECKER, "--fix", path.name],
                executable=program,
                cwd=path.parent,
                input="y\n",
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
            )
            if "runcated" in done.stdout:
                sentence = "Cut an unfinished write off the end of Redis's append-only file."
                event(_logger, logging.WARNING, "append-only-file-mended", sentence, file=path)
            return
