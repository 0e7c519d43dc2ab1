"""Compiling the kernel: which compiler, for which machine, with which options."""

from __future__ import annotations

import importlib.util
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

Options: TypeAlias = "tuple[str, ...]"

SOURCES = Path(__file__).resolve().parents[1] / "c"
#: Vectors of this kind, and the checks of the compiler itself, are all that the kernel needs.
_PROBE = "#include <stdint.h>\ntypedef uint8_t v __attribute__((vector_size(16)));\nv x;\n"
_OPTIONS = ("-std=c11", "-O3", "-fPIC", "-fvisibility=hidden", "-Wall", "-Wextra", "-Wconversion")
_SHARED = ("-shared", "-s")
#: Sanitizers stop at the first finding, with the line of the source.
_SANITIZED = (
    "-g",
    "-Werror",
    "-fno-omit-frame-pointer",
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover=all",
)

#: What is fuzzed, by the option that asks for it.
_FUZZED = {
    "--fuzz": "fuzz_stats.c",
    "--fuzz-queue": "fuzz_queue.c",
    "--fuzz-program": "fuzz_program.c",
}


class BuildError(RuntimeError):
    """The kernel cannot be compiled. The message says why."""


@dataclass(frozen=True)
class Level:
    """An instruction set that the loops are compiled for.

    Attributes:
        suffix: what the names of its functions end with.
        options: what selects it, of gcc and clang.
        processor: the same for zig.
    """

    suffix: str
    options: Options
    processor: str


_LEVELS = {
    "x86_64": (
        Level("_baseline", ("-msse4.2", "-mpopcnt"), "x86_64_v2"),
        Level("_avx2", ("-mavx2", "-mbmi", "-mbmi2", "-mpopcnt"), "x86_64_v2+avx2+bmi+bmi2"),
    )
}
_ONE_LEVEL = (Level("_baseline", (), "baseline"),)


@dataclass(frozen=True)
class Compiler:
    """A C compiler, and the machine that it compiles for.

    Attributes:
        command: what to run.
        machine: the processor's family, as Python's ``platform`` names it.
        target: what zig compiles for, such as ``aarch64-linux-musl``; empty for other compilers.
    """

    command: Options
    machine: str
    target: str = ""

    def compile(self, made: Path, extra: Options = (), *, linked: Options = _SHARED) -> None:
        """Compile the kernel to a shared library, or to what other options for linking make.

        Raises:
            BuildError: The compiler failed.
        """
        levels = _LEVELS.get(self.machine, _ONE_LEVEL)
        with tempfile.TemporaryDirectory() as scratch:
            objects = [
                self._object(
                    Path(scratch), "chunk.c", level, (f"-DMT_SUFFIX={level.suffix}", *extra)
                )
                for level in levels
            ]
            objects += [
                self._object(Path(scratch), source, levels[0], extra)
                for source in ("kernel.c", "rows.c", "queue.c", "ranking.c")
            ]
            self._run(*self._for(levels[0]), *extra, *linked, *objects, "-o", str(made))

    def _object(self, scratch: Path, source: str, level: Level, options: Options) -> str:
        made = str(scratch / f"{source}{level.suffix}.o")
        self._run(*_OPTIONS, *self._for(level), *options, "-c", str(SOURCES / source), "-o", made)
        return made

    def _for(self, level: Level) -> Options:
        return (
            ("-target", self.target, f"-mcpu={level.processor}") if self.target else level.options
        )

    def _run(self, *arguments: str) -> None:
        done = subprocess.run(
            [*self.command, *arguments], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise BuildError(f"{shlex.join([*self.command, *arguments])} failed:\n{done.stderr}")


def machine_compiler() -> Compiler | None:
    """Return the machine's own compiler, or ``None`` if it has none that works."""
    named = os.environ.get("CC")
    for command in [shlex.split(named)] if named else [["cc"], ["gcc"], ["clang"]]:
        if shutil.which(command[0]) and _works(command):
            return Compiler(tuple(command), _machine(platform.machine()))
    return None


def zig_compiler(target: str = "") -> Compiler:
    """Return the compiler of the package ``ziglang``; it compiles for this or another machine."""
    if importlib.util.find_spec("ziglang") is None:
        raise BuildError(
            "There is no C compiler. Install gcc or clang, or the package ziglang, which has one."
        )
    target = target or _own_target()
    return Compiler((sys.executable, "-m", "ziglang", "cc"), target.partition("-")[0], target)


def compiler(target: str = "") -> Compiler:
    """Return the compiler for a target of zig, or for this machine if it is empty."""
    return zig_compiler(target) if target else machine_compiler() or zig_compiler()


def _works(command: list[str]) -> bool:
    probe = [*command, "-x", "c", "-fsyntax-only", "-"]
    try:
        return not subprocess.run(
            probe, input=_PROBE.encode(), capture_output=True, check=False
        ).returncode
    except OSError:
        return False


def _machine(name: str) -> str:
    return {"AMD64": "x86_64", "arm64": "aarch64"}.get(name, name)


def _own_target() -> str:
    """Return zig's name of this machine. The oldest C library that it knows runs everywhere."""
    machine = _machine(platform.machine())
    if sys.platform == "darwin":
        return f"{machine}-macos"
    is_musl = "musl" in (platform.libc_ver()[0] or "musl")
    return f"{machine}-linux-musl" if is_musl else f"{machine}-linux-gnu.2.17"


def _main() -> None:
    """Compile to the path of the first argument, for checks if the second says so."""
    made, kind = Path(sys.argv[1]), "".join(sys.argv[2:])
    if kind == "--sanitize":
        compiler().compile(made, _SANITIZED, linked=("-shared",))
    elif kind in _FUZZED:
        target = str(SOURCES.with_name("fuzz") / _FUZZED[kind])
        guided = (*_SANITIZED, "-fsanitize=fuzzer-no-link")
        compiler().compile(made, guided, linked=("-fsanitize=fuzzer", f"-I{made.parent}", target))
    else:
        compiler().compile(made)


if __name__ == "__main__":
    _main()
