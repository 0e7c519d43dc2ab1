"""``python -m tests.mutation``: take each safeguard away in a copy of the tree; tests must fail.

First the tests run on the untouched copy, where they must pass. Exit code 1: a mutant survived.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.mutation.mutants import MUTANTS, Mutant

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("shared", "services", "tests")
#: What pytest says when tests failed, rather than could not be run.
_PASSED, _FAILED = 0, 1
OUTPUT = "pytest.out"  # of the latest run, in the copy
_PATIENCE = 900  # seconds for the tests of one mutant


def main() -> int:
    """Try every mutant, or those whose names hold a word of the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("words", nargs="*", metavar="WORD")
    words = parser.parse_args().words
    chosen = [m for m in MUTANTS if not words or any(word in m.name for word in words)]
    with tempfile.TemporaryDirectory(prefix="mailtally-mutants-") as directory:
        copy = Path(directory)
        copy_tree(copy)
        untouched = sorted({test for mutant in chosen for test in mutant.tests})
        if run_tests(copy, untouched) != _PASSED:
            sys.stderr.write((copy / OUTPUT).read_text("utf-8"))
            sys.stderr.write("The tests fail on the untouched tree; nothing can be said.\n")
            return 1
        survivors = [mutant.name for mutant in chosen if not is_killed(copy, mutant)]
    sys.stdout.write(f"{len(chosen) - len(survivors)} of {len(chosen)} mutants killed.\n")
    return 1 if survivors else 0


def copy_tree(copy: Path) -> None:
    """The product and its tests, with the compiled kernel, which is keyed by its sources."""
    for name in COPIED:
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("*.pyc", "*.tmp"))
    for path in (ROOT / "pyproject.toml", *ROOT.glob("*.md")):
        shutil.copy2(path, copy / path.name)


def is_killed(copy: Path, mutant: Mutant) -> bool:
    """Whether the tests fail once the safeguard is gone."""
    path, began = copy / mutant.path, time.monotonic()
    sound = path.read_text("utf-8")
    if sound.count(mutant.old) != 1:
        raise SystemExit(
            f"{mutant.name}: {mutant.path} does not hold the text once; mend mutants.py"
        )
    path.write_text(sound.replace(mutant.old, mutant.new), "utf-8")
    try:
        killed = run_tests(copy, mutant.tests) == _FAILED
    finally:
        path.write_text(sound, "utf-8")
    verdict = "killed" if killed else "SURVIVED"
    sys.stdout.write(f"{verdict:8} {time.monotonic() - began:4.0f} s  {mutant.name}\n")
    sys.stdout.flush()
    return killed


def run_tests(copy: Path, tests: list[str] | tuple[str, ...]) -> int:
    """Run tests on the copy, up to the first failure; pytest's exit code."""
    sources = [copy / "shared/src", *sorted((copy / "services").glob("*/src")), copy]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(map(str, sources)),
        "PYTHONDONTWRITEBYTECODE": "1",
        "MAILTALLY_TEST_PROFILE": "unshrunk",
    }
    arguments = ["-m", "pytest", "-x", "-q", "--no-header", "-p", "no:cacheprovider", *tests]
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=copy,
        env=environment,
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
        check=False,
    )
    if done.returncode not in (_PASSED, _FAILED):
        raise SystemExit(f"pytest could not run: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    (copy / OUTPUT).write_text(done.stdout, "utf-8")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
