"""A way into the machine code: found on disk, or compiled and kept, at its first call."""

from __future__ import annotations

import hashlib
import inspect
import json
import os
import subprocess
import sys
import threading
from array import array
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar, cast

from mailtally_collector.machine import kept
from mailtally_collector.machine.kinds import kind_of, numbers_of
from mailtally_collector.machine.loading import loaded, this_processor
from mailtally_shared.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from mailtally_collector.machine.kinds import Kind

P = ParamSpec("P")
R = TypeVar("R")

#: Set, nothing is compiled: what is marked runs as plain Python, for coverage.
_NO_COMPILING: Final = "NUMBA_DISABLE_JIT"
IN_PYTHON: Final = os.environ.get(_NO_COMPILING, "0") != "0"
_ONE_AT_A_TIME: Final = threading.Lock()
_WORD: Final = 8
#: Beside this file.
_MAKERS: Final = ("calling.py", "compiling.py", "instructions.py", "kinds.py")


def digest_of(*modules: ModuleType) -> str:
    """The digest of modules' sources, which machine code is made of and kept under."""
    return hashlib.sha256("".join(map(inspect.getsource, modules)).encode()).hexdigest()


def entry(
    function: Callable[P, R], sources: str, *, results: int = 0, in_python: bool = IN_PYTHON
) -> Callable[P, R]:
    """A marked function, to be run as machine code.

    Nothing of it happens before the first call: until then a process may say where the code is
    kept (``kept``). Compiling takes seconds.

    Args:
        function: of some module's top level; its arguments come by position.
        sources: the digest of all that it is made of.
        results: how many whole numbers it returns, as a tuple; 0 of one that returns nothing.
        in_python: let it run as it is.
    """
    if in_python:
        return function
    codes: dict[Kind, Callable[[int, int], int]] = {}

    def run(*arguments: object) -> tuple[int, ...] | None:
        kinds = tuple(map(kind_of, arguments))
        code = codes.get(kinds)
        if code is None:
            with _ONE_AT_A_TIME:
                code = codes[kinds] = loaded(_found_or_compiled(function, sources, kinds))
        given = array("Q", numbers_of(arguments))
        # Of a function that returns nothing, it is written to all the same.
        answer = array("q", bytes(_WORD * max(results, 1)))
        if code(given.buffer_info()[0], answer.buffer_info()[0]):
            raise ArithmeticError(f"{function.__name__} failed in its machine code")
        return tuple(answer) if results else None

    return cast("Callable[P, R]", run)


def _found_or_compiled(
    function: Callable[..., object], sources: str, kinds: tuple[Kind, ...]
) -> bytes:
    name = _name_of(function, sources, kinds)
    code = kept.find(name)
    if code is None:
        code = _compiled(function, kinds)
        kept.keep(name, code)
    return code


def _name_of(function: Callable[..., object], sources: str, kinds: tuple[Kind, ...]) -> str:
    """The file's name; it changes with all that the machine code depends on."""
    tools = (this_processor(), version("numba"), sys.implementation.cache_tag)
    needs = (sources, _digest_of_makers(), kinds, *tools)
    digest = hashlib.sha256(json.dumps(needs).encode()).hexdigest()
    return f"{function.__name__}-{digest[:32]}.o"


@cache
def _digest_of_makers() -> str:
    """The digest of the sources that make code; they are not loaded where none is made."""
    makers = map(Path(__file__).with_name, _MAKERS)
    return hashlib.sha256(b"".join(maker.read_bytes() for maker in makers)).hexdigest()


def _compiled(function: Callable[..., object], kinds: tuple[Kind, ...]) -> bytes:
    """What a process for it answers.

    Raises:
        Refused: It failed; its last words are in the message.
    """
    request = {"module": function.__module__, "function": function.__name__, "kinds": kinds}
    done = subprocess.run(
        (sys.executable, "-m", "mailtally_collector.machine.compiling"),
        input=json.dumps(request).encode(),
        env={**os.environ, _NO_COMPILING: "0"},
        capture_output=True,
        check=False,
    )
    if done.returncode:
        words = done.stderr.decode(errors="replace").strip().splitlines() or [""]
        raise Refused(
            f"The machine code of {function.__name__} cannot be made: {words[-1]}. Install numba "
            "and llvmlite in the versions that it asks for, then run 'mailtally-collector warm'."
        )
    return done.stdout
