"""The images are made alike, from a pinned base, and end without rights and without tools."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING

import pytest

from tests.architecture.source_tree import ROOT

if TYPE_CHECKING:
    from pathlib import Path

DOCKERFILES = sorted((ROOT / "services").glob("*/Dockerfile"))
#: What is asked of a service, and not of the operator's command.
SERVICES = [path for path in DOCKERFILES if path.parent.name != "console"]

each_image = pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.parent.name)


def stages(path: Path) -> list[str]:
    """The text of each stage."""
    return re.split(r"(?m)^FROM ", path.read_text("utf-8"))[1:]


def test_every_service_has_an_image() -> None:
    assert {path.parent for path in DOCKERFILES} == set((ROOT / "services").iterdir())


def test_all_begin_alike_so_that_their_first_layers_are_made_once() -> None:
    first = {stages(path)[0].partition("COPY services")[0] for path in DOCKERFILES}
    assert len(first) == 1
    assert "pip install ./shared" in first.pop()


@each_image
def test_its_base_is_pinned_by_its_tag(path: Path) -> None:
    (base,) = set(re.findall(r"^ARG PYTHON_IMAGE=(\S+)$", path.read_text("utf-8"), re.MULTILINE))
    assert re.fullmatch(r"python:\d+\.\d+-slim-[a-z]+", base)


@each_image
def test_the_last_stage_installs_nothing_and_runs_as_nobody_special(path: Path) -> None:
    _, last = stages(path)
    assert not re.search(r"\b(pip|apt-get|apt|curl|wget) ", last)
    assert re.search(r"^USER mailtally$", last, re.MULTILINE)


@each_image
def test_its_labels_say_what_it_is(path: Path) -> None:
    project = tomllib.loads((path.parent / "pyproject.toml").read_text("utf-8"))["project"]
    labels = dict(re.findall(r'image\.(\w+)="([^"]*)"', path.read_text("utf-8")))
    assert labels["version"] == project["version"]
    assert labels["title"] == project["name"]
    assert labels["licenses"] == project["license"]
    assert labels["description"] in project["description"]


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.parent.name)
def test_a_service_says_whether_it_can_do_its_work(path: Path) -> None:
    assert "/readyz" in path.read_text("utf-8").partition("HEALTHCHECK")[2]


def test_up_builds_every_image_that_a_command_of_the_docs_needs() -> None:
    """A service with a profile is not built by ``up --build``; another one makes its image."""
    compose = (ROOT / "docker-compose.yml").read_text("utf-8")
    services = re.split(r"(?m)^  (?=\w+:$)", compose.partition("\nservices:\n")[2])
    built = {
        re.findall(r"dockerfile: ([^}]+)}", text)[0]: re.findall(r"image: (\S+)", text)[0]
        for text in services
        if "build:" in text and "profiles:" not in text
    }
    assert set(built) == {str(path.relative_to(ROOT)) for path in DOCKERFILES}
    assert built["services/console/Dockerfile"] == "mailtally-console"
