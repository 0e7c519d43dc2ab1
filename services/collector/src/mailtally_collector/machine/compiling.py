"""The process that compiles: told of a function in JSON, it answers with an object file.

``python -m mailtally_collector.machine.compiling`` reads ``{"module": …, "function": …, "kinds":
[…]}`` and writes the file's content. It is a process of its own as numba leaves 130 MB behind.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core.compiler_lock import global_compiler_lock
from numba.extending import register_jitable
from numba.np.numpy_support import from_dtype

from mailtally_collector.machine.calling import write_entry
from mailtally_collector.machine.instructions import teach_instructions
from mailtally_collector.machine.kinds import ALIGNED, IN_A_ROW, WRITABLE
from mailtally_collector.machine.loading import ENTRY, loaded
from mailtally_collector.machine.marks import MARKED

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mailtally_collector.machine.kinds import Kind

# numba counts references to each array at each call, with locked instructions: nine tenths of the
# time, measured. A kernel allocates nothing and its caller holds all arrays, so the counting
# ("nrt", numba's run time) is off. Inlined by force, arrays are not copied to be handed on.
_OPTIONS: Final[dict[str, Any]] = {"nogil": True, "_nrt": False, "forceinline": True}
#: numba's own types have none.
_numba: Final[Any] = types
_njit: Final[Any] = njit
_jitable: Final[Any] = register_jitable


def main() -> None:
    """Answer one request."""
    request = json.load(sys.stdin)
    function = getattr(import_module(request["module"]), request["function"])
    code = object_code(function, request["kinds"])
    loaded(code)  # what cannot be loaded ends this process, and not the one that would use it
    sys.stdout.buffer.write(code)


def object_code(function: Callable[..., object], kinds: Sequence[Kind]) -> bytes:
    """A marked function as an object file, for arguments of these kinds.

    Raises:
        TypeError: It returns something else than nothing or whole numbers.
    """
    teach_instructions()
    for marked in MARKED:
        _jitable(**_OPTIONS)(marked)
    dispatcher = _njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, **_OPTIONS)(function)
    made = dispatcher._compiler.compile(tuple(map(_type_of, kinds)), None)  # noqa: SLF001 - the way past a function that Python could call
    returned = made.signature.return_type
    if returned != _numba.none and getattr(returned, "dtype", None) != _numba.int64:
        raise TypeError(f"{function.__name__} returns {returned}")
    with global_compiler_lock:
        return _with_entry(made, kinds)


def _type_of(kind: Kind) -> object:
    """A kind in numba's terms."""
    match kind:
        case ["array", dtype, dimensions, flags]:
            return _numba.Array(
                from_dtype(np.dtype(dtype)),
                dimensions,
                "C" if flags & IN_A_ROW else "A",
                readonly=not flags & WRITABLE,
                aligned=bool(flags & ALIGNED),
            )
        case ["tuple", name, *parts]:
            module, _, qualified = name.partition(":")
            made = getattr(import_module(module), qualified)
            return _numba.BaseTuple.from_types(list(map(_type_of, parts)), made)
        case _:
            return getattr(types, kind)


def _with_entry(made: Any, kinds: Sequence[Kind]) -> bytes:  # noqa: ANN401 - numba's result
    """What was compiled, with the function in front through which it is called."""
    codegen = made.target_context.codegen()
    whole = codegen.create_library(ENTRY)
    whole.enable_object_caching()
    whole.add_linking_library(made.library)
    module = whole.create_ir_module(ENTRY)
    convention, described = made.target_context.call_conv, made.fndesc
    inner = convention.get_function_type(described.restype, described.argtypes)
    write_entry(module, ir.Function(module, inner, described.llvm_func_name), kinds)
    whole.add_ir_module(module)
    whole.finalize()
    _assert_complete(whole)
    _name, _kind, (code, _bitcode) = whole.serialize_using_object_code()
    return bytes(code)


def _assert_complete(library: Any) -> None:  # noqa: ANN401 - numba's
    """Nothing is called that a process without numba has not."""
    module = library._final_module  # noqa: SLF001 - there is no other way to it
    parts = (*module.functions, *module.global_variables)
    missing = [part.name for part in parts if part.is_declaration]
    if needed := [name for name in missing if not name.startswith("llvm.")]:
        raise TypeError(f"the machine code needs {', '.join(needed)}")


if __name__ == "__main__":
    main()
