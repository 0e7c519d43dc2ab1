"""``python -m tools.mutation``: remove each safeguard in a copy of the tree; tests must fail.

First the tests run on the unchanged copy, where they must pass. There is a copy for each core, and
one more, because tests wait as much as they work. Exit code 1: a mutant survived.
"""

from __future__ import annotations

import argparse
import importlib
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

from tools.mutation.mutants import MUTANTS, Mutant

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: Modules that many tests use besides the tree. They are loaded once; each mutant's tests fork.
PRELOADED = ("hypothesis.stateful", "kombu", "psycopg", "pydantic", "redis", "sqlalchemy")
ROOT = Path(__file__).resolve().parents[2]
COPIED = ("shared", "kernel", "services", "tests", "deploy")
#: pytest's exit code when tests failed, rather than could not run.
_PASSED, _FAILED = 0, 1
#: How tests end whose kernel reads or writes where it must not.
_CRASHED = (-signal.SIGSEGV, -signal.SIGBUS, -signal.SIGABRT)
OUTPUT = "pytest.out"  # of the latest run, in the copy
_PATIENCE = 900  # seconds for the tests of one mutant
_OF_A_TEST = 120  # seconds for one test, after which a mutant that waits for ever is killed


def main() -> int:
    """Try every mutant, or those whose names contain a word of the command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.mutation", description=__doc__)
    parser.add_argument("words", nargs="*", metavar="WORD")
    words = parser.parse_args().words
    chosen = [m for m in MUTANTS if not words or any(word in m.name for word in words)]
    for name in PRELOADED:
        importlib.import_module(name)
    with tempfile.TemporaryDirectory(prefix="mailtally-mutants-") as directory:
        copy = Path(directory)
        copy_tree(copy)
        untouched = sorted({test for mutant in chosen for test in mutant.tests})
        if run_tests(copy, untouched, "--numprocesses=logical", "--dist=loadfile") != _PASSED:
            sys.stderr.write(output_of(copy))
            sys.stderr.write("The tests fail on the unchanged tree, so mutants cannot be tried.\n")
            return 1
        killed = sum(try_all(copy, chosen))
    sys.stdout.write(f"{killed} of {len(chosen)} mutants killed.\n")
    return 0 if killed == len(chosen) else 1


def try_all(directory: Path, mutants: Sequence[Mutant]) -> Iterator[bool]:
    """Try mutants in several copies at once, and yield whether each was killed."""
    workers = (os.cpu_count() or 1) + 1
    with ProcessPoolExecutor(workers, multiprocessing.get_context("fork")) as pool:
        tries = [pool.submit(try_in_own_copy, directory, mutant) for mutant in mutants]
        for done in as_completed(tries):
            killed, seconds, name = done.result()
            verdict = "killed" if killed else "SURVIVED"
            sys.stdout.write(f"{verdict:8} {seconds:4.0f} s  {name}\n")
            sys.stdout.flush()
            yield killed


def try_in_own_copy(directory: Path, mutant: Mutant) -> tuple[bool, float, str]:
    """Try a mutant in the copy of this process."""
    copy, began = directory / f"of-{os.getpid()}", time.monotonic()
    if not copy.exists():
        copy.mkdir()
        copy_tree(copy)
    return is_killed(copy, mutant), time.monotonic() - began, mutant.name


def copy_tree(copy: Path) -> None:
    """Copy the product and its tests, with the compiled kernel, which is keyed by its sources."""
    for name in COPIED:
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("*.pyc", "*.tmp"))
    for path in (ROOT / "pyproject.toml", *ROOT.glob("*.md")):
        shutil.copy2(path, copy / path.name)


def is_killed(copy: Path, mutant: Mutant) -> bool:
    """Return whether the tests fail without the safeguard."""
    path = copy / mutant.path
    sound = path.read_text("utf-8")
    if sound.count(mutant.old) != 1:
        raise SystemExit(
            f"{mutant.name}: {mutant.path} does not have the text exactly once; correct it"
        )
    write(copy, path, sound.replace(mutant.old, mutant.new))
    try:
        return run_tests(copy, mutant.tests) == _FAILED
    finally:
        write(copy, path, sound)


def write(copy: Path, path: Path, text: str) -> None:
    """Write a source of the copy, and compile its kernel if it is one of that."""
    path.write_text(text, "utf-8")
    kernel = copy / "kernel"
    if path.is_relative_to(kernel / "c"):
        program = kernel / "backend" / "kernel_compiler.py"
        library = kernel / "src" / "mailtally_kernel" / "kernel.so"
        subprocess.run([sys.executable, program, library], check=True)


def run_tests(copy: Path, tests: Sequence[str], *options: str) -> int:
    """Run tests on the copy up to the first failure, and return pytest's exit code."""
    given = (copy, [*options, *tests])
    process = multiprocessing.get_context("fork").Process(target=_be_pytest, args=given)
    process.start()
    process.join(_PATIENCE)
    if process.exitcode is None:
        process.kill()
        process.join()
    if process.exitcode in _CRASHED:
        return _FAILED
    if process.exitcode not in (_PASSED, _FAILED):
        raise SystemExit(f"pytest could not run: {output_of(copy)[-4000:]}")
    return process.exitcode


def output_of(copy: Path) -> str:
    """Return pytest's latest output."""
    return (copy / OUTPUT).read_text("utf-8", "backslashreplace")


def _be_pytest(copy: Path, tests: Sequence[str]) -> NoReturn:
    """Run pytest in this forked process, on the modules of the copy."""
    output = os.open(copy / OUTPUT, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    for standard in (1, 2):
        os.dup2(output, standard)
    os.chdir(copy)
    services = sorted((copy / "services").glob("*/src"))
    sources = [copy / "shared/src", copy / "kernel/src", *services, copy]
    sys.path[:0] = map(str, sources)
    for name in [name for name in sys.modules if name.partition(".")[0] == "tests"]:
        del sys.modules[name]
    os.environ |= {
        "PYTHONPATH": os.pathsep.join(map(str, sources)),
        "PYTHONDONTWRITEBYTECODE": "1",
        "MAILTALLY_TEST_PROFILE": "unshrunk",
    }
    sys.dont_write_bytecode = True
    options = ["-x", "-q", "--no-header", "-p", "no:cacheprovider", f"--timeout={_OF_A_TEST}"]
    sys.exit(pytest.main([*options, *tests]))


if __name__ == "__main__":
    sys.exit(main())
