"""Where the parser's machine code is kept between two starts.

numba keeps it beside the source, in the user's cache directory or where
``NUMBA_CACHE_DIR`` says, and gives up where none of them can be written to: on a
read-only file system, although all that it needs may lie there, compiled when
the image was built.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from numba import config

VARIABLE = "NUMBA_CACHE_DIR"

_numba: Any = config  # it takes its names from the environment, and has no types


def keep_code_in(directory: Path) -> None:
    """Use ``directory`` for the machine code, if its usual place cannot be written to.

    What lies in the usual place is copied first. The directory must be private:
    what is in it is run.
    """
    given = os.environ.get(VARIABLE)
    usual = Path(given) if given else Path(__file__).parent / "parse"
    if os.access(usual, os.W_OK):
        return
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if given and usual.is_dir():
        shutil.copytree(usual, directory, dirs_exist_ok=True)
    # The copy is ours, whatever it was copied from allowed.
    directory.chmod(0o700)
    os.environ[VARIABLE] = _numba.CACHE_DIR = str(directory)
