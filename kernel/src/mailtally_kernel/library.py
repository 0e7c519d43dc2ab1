"""Loading the library: it must be there, and have the interface of this package."""

from __future__ import annotations

import os
from ctypes import CDLL, POINTER, c_int32, c_int64, c_uint32, c_uint64, c_void_p
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mailtally_kernel.interface import (
    ABI,
    AmountsTable,
    ColumnsTable,
    DictionariesTable,
    NamesTable,
    ProgramTable,
    Progress,
    QueueTable,
    RankingTable,
    RejectsTable,
    RowsTable,
    SumsTable,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The environment variable that names another library, such as one built for tests.
VARIABLE: Final = "MAILTALLY_KERNEL"
_BUILT: Final = Path(__file__).with_name("kernel.so")


class KernelError(ImportError):
    """The kernel's library cannot be used. The message says why, and what to do."""


def library_path() -> Path:
    """Return the path of the library."""
    return Path(os.environ.get(VARIABLE) or _BUILT)


@cache
def library() -> CDLL:
    """Load the library, once.

    Raises:
        KernelError: It is not there, was made for another machine, or is of another version.
    """
    return load(library_path())


def load(path: Path) -> CDLL:
    """Load the library at a path; see :func:`library`."""
    try:
        loaded = CDLL(str(path))
        loaded.mt_abi.restype = c_uint32
        found = loaded.mt_abi()
    except (OSError, AttributeError) as error:
        raise KernelError(
            f"The kernel {path} cannot be loaded ({error}). Install mailtally-kernel for this "
            "machine again."
        ) from error
    if found != ABI:
        raise KernelError(
            f"The kernel {path} has interface {found}, and this program needs {ABI}. Install "
            "mailtally-kernel and the services in the same version."
        )
    return _declared(loaded)


_READER: Final = (POINTER(RejectsTable), c_void_p, c_uint64, POINTER(Progress))
_CHUNK: Final = (c_int32, c_void_p, c_uint64, POINTER(DictionariesTable))
_QUEUE: Final = POINTER(QueueTable)
_AMOUNTS: Final = POINTER(AmountsTable)
_RANKING: Final = POINTER(RankingTable)
#: What each function of ``c/kernel.h`` returns, and its arguments.
_FUNCTIONS: Final[Mapping[str, tuple[Any, ...]]] = {
    "mt_workspace_size": (c_uint64,),
    "mt_best_level": (c_int32,),
    "mt_read_stats": (c_int32, *_CHUNK, POINTER(ColumnsTable), POINTER(RowsTable), *_READER),
    "mt_index_rows": (None, POINTER(RowsTable)),
    "mt_take_rows": (c_int32, POINTER(RowsTable), c_void_p, POINTER(SumsTable)),
    "mt_is_sound": (c_int32, POINTER(ProgramTable)),
    "mt_read_queue": (
        *(c_int32, c_void_p, c_uint64, POINTER(ProgramTable), _QUEUE),
        *(POINTER(DictionariesTable), POINTER(ColumnsTable)),
        *(POINTER(RejectsTable), POINTER(Progress)),
    ),
    "mt_index_queue": (None, _QUEUE, c_void_p, c_uint64),
    "mt_copy_names": (
        *(c_int32, _QUEUE, c_void_p, c_uint64, c_void_p, c_uint64, c_void_p, c_uint64),
    ),
    "mt_match": (c_int64, POINTER(ProgramTable), c_void_p, c_uint64, c_void_p, c_void_p),
    "mt_intern": (c_int64, POINTER(NamesTable), c_void_p, c_uint64),
    "mt_move_names": (c_int32, POINTER(NamesTable), POINTER(NamesTable)),
    "mt_add_up": (c_int32, c_void_p, _AMOUNTS, c_void_p, c_uint64),
    "mt_rank": (
        *(c_int32, _RANKING, c_void_p, c_uint64, c_void_p, c_void_p, _AMOUNTS),
        POINTER(c_uint64),
    ),
    "mt_keep_ranked": (c_int32, _RANKING, c_void_p, c_uint64, _RANKING),
}


def _declared(loaded: CDLL) -> CDLL:
    for name, (result, *arguments) in _FUNCTIONS.items():
        function = getattr(loaded, name)
        function.restype, function.argtypes = result, arguments
    return loaded
