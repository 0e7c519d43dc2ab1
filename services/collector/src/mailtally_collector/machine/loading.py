"""Object files brought into memory by LLVM's linker; numba is not needed for that."""

from __future__ import annotations

import ctypes
import platform
from functools import cache
from typing import TYPE_CHECKING, Any, Final, cast

import llvmlite
from llvmlite import binding

if TYPE_CHECKING:
    from collections.abc import Callable

#: The name of the function in each object file that is called from outside:
#: ``int32 entry(uint64 *numbers, int64 *results)``, 0 where all went well.
ENTRY: Final = "mailtally_entry"

#: What is at that name: called with two addresses, it runs without the GIL.
Code: Final = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p)

_llvm: Final[Any] = binding  # it has no types
#: Who runs the code: as long as the process lives, so does the code.
_engines: Final[list[object]] = []


def loaded(code: bytes) -> Callable[[int, int], int]:
    """The function of an object file.

    Args:
        code: the file's content, made for this processor.
    """
    engine = _llvm.create_mcjit_compiler(_llvm.parse_assembly(""), _target())
    engine.add_object_file(_llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    _engines.append(engine)
    return cast("Callable[[int, int], int]", Code(engine.get_function_address(ENTRY)))


@cache
def this_processor() -> str:
    """The processor, what it can do and the LLVM in use: code is not moved between two of them."""
    features = _llvm.get_host_cpu_features().flatten()
    return f"{platform.machine()} {_llvm.get_host_cpu_name()} {features} {llvmlite.__version__}"


def _target() -> object:
    _llvm.initialize_native_target()
    _llvm.initialize_native_asmprinter()
    return _llvm.Target.from_default_triple().create_target_machine(jit=True)
