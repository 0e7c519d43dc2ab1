"""What is installed is exact, and nothing tracked belongs to one machine."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.architecture.source_tree import PROJECTS, ROOT, tracked_files

PIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*==[0-9][A-Za-z0-9.+!]*")
#: Put together, so that this file does not name them.
PUBLIC_REGISTRIES = ["pypi" + ".org", "python" + "hosted.org", "npmjs" + ".org"]
SOURCE_OPTIONS = re.compile("--(extra-)?" + "index-url|--find" + "-links|@ file" + "://")


def project(folder: Path) -> dict[str, Any]:
    table: dict[str, Any] = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))
    return table


def pins() -> list[str]:
    return (ROOT / "constraints.txt").read_text("utf-8").splitlines()


def pinned_names() -> set[str]:
    return {canonicalize_name(pin.partition("==")[0]) for pin in pins()}


def requirements() -> list[Requirement]:
    """All that any distribution, its build, or a test asks for."""
    lines = (ROOT / "requirements-dev.txt").read_text("utf-8").splitlines()
    wanted = [line for line in lines if line and not line.startswith("#")]
    for folder in PROJECTS:
        table = project(folder)
        wanted += table["build-system"]["requires"]
        wanted += table["project"]["dependencies"]
        for extra in table["project"].get("optional-dependencies", {}).values():
            wanted += extra
    return [Requirement(text) for text in wanted]


def machine_words() -> set[str]:
    """Names that only this machine knows: its paths, and where its pip looks."""
    words = {str(ROOT), str(Path.home()), sys.prefix}
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    )
    for value in re.findall(r"[a-z+]+://[^\s'\"]+", listed.stdout):
        words |= {urlsplit(value).hostname or "", urlsplit(value).path.rstrip("/")}
    # A path of one part, such as /root or /simple, may be meant of any machine.
    return {word for word in words if word.count("/") > 1 or "." in word}


def texts() -> list[tuple[str, str]]:
    return [
        (str(path.relative_to(ROOT)), path.read_text("utf-8", "replace"))
        for path in tracked_files()
    ]


def test_constraints_are_exact_versions_and_nothing_else() -> None:
    assert [pin for pin in pins() if not PIN.fullmatch(pin)] == []
    assert len(pinned_names()) == len(pins())


def test_everything_asked_for_is_pinned_to_what_satisfies_it() -> None:
    versions = {
        canonicalize_name(name): version for name, version in (pin.split("==") for pin in pins())
    }
    for requirement in requirements():
        name = canonicalize_name(requirement.name)
        if name.startswith("mailtally"):
            continue
        assert name in versions, f"{name} is not in constraints.txt"
        assert requirement.specifier.contains(versions[name], prereleases=True), str(requirement)


def test_the_distributions_move_in_lockstep() -> None:
    tables = [project(folder)["project"] for folder in PROJECTS]
    (version,) = {table["version"] for table in tables}
    names = {table["name"] for table in tables}
    for requirement in requirements():
        if requirement.name in names:
            assert str(requirement.specifier) == f"=={version}"


def test_no_tracked_file_names_a_package_source() -> None:
    forbidden = re.compile("|".join([*map(re.escape, PUBLIC_REGISTRIES), SOURCE_OPTIONS.pattern]))
    assert [name for name, text in texts() if forbidden.search(text)] == []


def test_no_tracked_file_names_this_machine() -> None:
    words = "|".join(re.escape(word) for word in sorted(machine_words()))
    forbidden = re.compile(rf"(?<![\w./-])(?:{words})(?![\w-])")
    assert [name for name, text in texts() if words and forbidden.search(text)] == []


@pytest.mark.parametrize("folder", PROJECTS, ids=lambda folder: folder.name)
def test_each_distribution_ships_its_types(folder: Path) -> None:
    (package,) = (path.parent for path in folder.glob("src/*/__init__.py"))
    assert (package / "py.typed").is_file()
