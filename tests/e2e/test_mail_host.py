"""A mail host without Docker: the collector from a wheelhouse, its unit, its shell completion."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import venv
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from mailtally.settings import ConsoleSettings, settings_of_services
from mailtally_shared.runtime.settings import load_settings
from tests.architecture.source_tree import ROOT
from tests.architecture.test_docs import OTHER_VARIABLES, settings_named
from tests.support.commands_found import commands, programs
from tests.support.servers import missing

UNITS = sorted((ROOT / "deploy/systemd").glob("*.service"))
#: Of ten; systemd itself calls less than 2 "OK" or better.
MOST_EXPOSED = 1.5

each_unit = pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)


def unit(path: Path) -> list[tuple[str, str]]:
    """Each directive of the section ``Service``; the same one may come more than once."""
    section = path.read_text("utf-8").partition("[Service]")[2].partition("[Install]")[0]
    lines = [line for line in section.splitlines() if line and not line.startswith("#")]
    return [(name, value) for name, _, value in (line.partition("=") for line in lines)]


def analyze(*arguments: str) -> str:
    if not shutil.which("systemd-analyze"):
        missing("systemd-analyze", "there is none on this machine")
    done = subprocess.run(
        ["systemd-analyze", *arguments], capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


def test_there_is_a_unit_for_every_service() -> None:
    services = {"mailtally-aggregator", "mailtally-collector", "mailtally-loader"}
    assert {path.stem for path in UNITS} == services | {"mailtally"} < set(programs())


@each_unit
def test_a_unit_starts_a_command_that_exists(path: Path) -> None:
    program, command = dict(unit(path))["ExecStart"].split()
    name = Path(program).name
    assert name == path.stem
    assert f"{name} {command}" in dict(commands(name))


@each_unit
def test_a_unit_sets_variables_that_exist(path: Path) -> None:
    named = {value.partition("=")[0] for name, value in unit(path) if name == "Environment"}
    assert named <= settings_named()[0] | OTHER_VARIABLES


@pytest.mark.parametrize("service", ["collector", "aggregator", "loader", "console"])
def test_the_example_settings_are_settings(
    monkeypatch: pytest.MonkeyPatch, service: str, tmp_path: Path
) -> None:
    example = (ROOT / "deploy/systemd/mailtally.toml").read_text("utf-8")
    file = tmp_path / "all.toml"
    # What is commented out is as valid as the rest.
    file.write_text(re.sub(r"(?m)^#(?=\w+ = )", "", example), "utf-8")
    monkeypatch.setenv("MAILTALLY_BROKER_URL", "redis://redis.example.com/0")
    (cls,) = settings_of_services(service) if service != "console" else (ConsoleSettings,)
    settings = load_settings(cls, file).model_dump()
    assert settings.get("timezone") in {None, "Europe/Berlin"}


def test_the_wheelhouse_has_what_an_older_patch_release_of_python_needs() -> None:
    """pip decides by its own Python; Debian 12 has 3.11.2."""
    done = subprocess.run(
        ["make", "-C", str(ROOT), "-n", "-o", ".venv/.installed", "wheelhouse"],
        capture_output=True,
        text=True,
        check=True,
    )
    older = {"python_full_version": "3.11.0", "python_version": "3.11"}
    needed = {
        requirement.name
        for name in closure("mailtally-collector", older)
        for requirement in map(Requirement, metadata.requires(name) or [])
        if requirement.marker
        and not requirement.marker.evaluate({"extra": ""})
        and requirement.marker.evaluate({**older, "extra": ""})
    }
    assert needed
    assert needed <= set(done.stdout.split())


def closure(name: str, environment: dict[str, str]) -> set[str]:
    """The installed distributions that one needs, itself included."""
    found, todo = set[str](), [name]
    while todo:
        each = todo.pop()
        if each in found or not is_installed(each):
            continue
        found.add(each)
        todo += [
            requirement.name
            for requirement in map(Requirement, metadata.requires(each) or [])
            if not requirement.marker or requirement.marker.evaluate({**environment, "extra": ""})
        ]
    return found


def is_installed(name: str) -> bool:
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return False
    return True


@each_unit
def test_systemd_knows_every_directive(path: Path, tmp_path: Path) -> None:
    copy = tmp_path / path.name
    copy.write_text(re.sub(r"(?m)^ExecStart=.*$", "ExecStart=/bin/true", path.read_text("utf-8")))
    said = analyze("verify", "--man=no", str(copy))
    assert [line for line in said.splitlines() if path.name in line] == []


@each_unit
def test_a_unit_is_hardly_exposed(path: Path) -> None:
    said = analyze("security", "--offline=true", str(path))
    found = re.search(r"exposure level for \S+: ([0-9.]+)", said)
    assert found, said
    assert float(found.group(1)) <= MOST_EXPOSED
    page = ROOT / "docs/how-to/install-on-a-mail-host.md"
    assert f"`{path.name}` | {found.group(1)}" in page.read_text("utf-8")


def test_logrotate_understands_the_snippet(tmp_path: Path) -> None:
    if not shutil.which("logrotate"):
        missing("logrotate", "there is none on this machine")
    snippet = (ROOT / "deploy/logrotate/mailtally-traffic-log").read_text("utf-8")
    log = tmp_path / "stats"
    log.write_text("a line\n")
    mine = snippet.replace("/var/hsphere/mail/logs/stats", str(log)).replace(" root adm", "")
    config = tmp_path / "config"
    config.write_text(mine)
    config.chmod(0o600)
    tmp_path.chmod(0o700)
    state = str(tmp_path / "state")
    subprocess.run(["logrotate", "--force", "--state", state, str(config)], check=True)
    assert (tmp_path / "stats.1").read_text() == "a line\n"
    assert log.read_text() == ""


def completed(words: str) -> list[str]:
    """What the shell is offered for the last of some words."""
    variables = {
        "_MAILTALLY_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
    }
    said = subprocess.run(
        [Path(sys.executable).with_name("mailtally")],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    return [line.partition(",")[2] for line in said.stdout.splitlines()]


def test_a_shell_completes_commands_and_options() -> None:
    assert completed("mailtally quar") == ["quarantine"]
    assert completed("mailtally quarantine rep") == ["replay"]
    assert completed("mailtally retire-host --even") == ["--even-if-alive"]


@pytest.mark.timeout(600)
def test_a_collector_is_installed_from_the_wheelhouse_alone(tmp_path: Path) -> None:
    wheels, home = tmp_path / "wheels", tmp_path / "venv"
    # What the environment is made of is not this test's business: -o takes it as it is.
    make = ["make", "-C", str(ROOT), "-o", ".venv/.installed", "wheelhouse"]
    subprocess.run([*make, f"WHEELHOUSE={wheels}"], check=True, timeout=400)
    venv.create(home, with_pip=True)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    clean["PIP_CONFIG_FILE"] = os.devnull
    install = (home / "bin/pip", "install", "--quiet", "--no-index", "-f", wheels)
    subprocess.run([*install, "mailtally-collector"], env=clean, check=True)
    # It imports all that it needs to run.
    subprocess.run([home / "bin/python", "-c", "import mailtally_collector.service"], check=True)
    subprocess.run([home / "bin/mailtally-collector", "--help"], check=True, capture_output=True)


def test_the_users_and_directories_of_the_snippets_are_those_of_the_units() -> None:
    sysusers = (ROOT / "deploy/systemd/mailtally.sysusers.conf").read_text("utf-8")
    tmpfiles = (ROOT / "deploy/systemd/mailtally.tmpfiles.conf").read_text("utf-8")
    for path in UNITS:
        fields = dict(unit(path))
        assert f"u {fields['User']} " in sysusers
        assert Path(fields["EnvironmentFile"].lstrip("-")).parent.as_posix() in tmpfiles
