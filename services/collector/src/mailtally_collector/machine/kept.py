"""Where machine code is kept between two processes, and under what name.

Looked for in each of these places, and written to the first that takes it: where
``NUMBA_CACHE_DIR`` says, or ``__pycache__`` beside the source; the user's cache
directory; the place that a service names (``keep_code_in``). On a read-only file
system code is found that was compiled when the image was built.

What is found there is run: a place that others may write to is passed over.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

VARIABLE: Final = "NUMBA_CACHE_DIR"
#: Before the code: what it is, and its SHA-256, so that a damaged file is compiled anew.
_MARK: Final = b"mailtally object 1\n"
_DIGEST: Final = 32
#: Files of one function in a place: its versions, kinds of arguments and processors.
_MOST_OF_ONE: Final = 16

_named: list[Path] = []


def keep_code_in(directory: Path) -> None:
    """Name one more place, the last one: used if no other can be written to."""
    if directory not in _named:
        _named.append(directory)


def places() -> Iterator[Path]:
    """All places, the best first; they need not exist."""
    given = os.environ.get(VARIABLE)
    yield Path(given) if given else Path(__file__).parent / "__pycache__"
    cache = os.environ.get("XDG_CACHE_HOME")
    with suppress(RuntimeError):  # a user without a home
        yield (Path(cache) if cache else Path.home() / ".cache") / "mailtally"
    yield from _named


def find(name: str) -> bytes | None:
    """The code kept under a name, if it is whole."""
    for place in places():
        with suppress(OSError):
            if _is_private(place):
                kept = (place / name).read_bytes()
                code = kept[len(_MARK) + _DIGEST :]
                if kept == _sealed(code):
                    return code
    return None


def keep(name: str, code: bytes) -> Path | None:
    """Keep code for later processes; gives the place, or None where none takes it."""
    for place in places():
        with suppress(OSError):
            place.mkdir(mode=0o755, parents=True, exist_ok=True)
            if _is_private(place):
                _write(place / name, _sealed(code))
                _forget_oldest(place, name)
                return place
    return None


def _forget_oldest(place: Path, name: str) -> None:
    """Remove what former versions have left of a function; other processors' code may be there."""
    function = name.rpartition("-")[0]
    kept = sorted(place.glob(f"{function}-*.o"), key=lambda path: path.stat().st_mtime_ns)
    for path in kept[:-_MOST_OF_ONE]:
        path.unlink(missing_ok=True)


def _is_private(place: Path) -> bool:
    found = place.stat()
    others = stat.S_IWGRP | stat.S_IWOTH
    return found.st_uid in {os.geteuid(), 0} and not found.st_mode & others


def _sealed(code: bytes) -> bytes:
    return _MARK + hashlib.sha256(code).digest() + code


def _write(path: Path, content: bytes) -> None:
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        # Where it was compiled for all, others may read it.
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise
