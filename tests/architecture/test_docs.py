"""The docs say what the code says: every setting, command and key, and nothing that is not."""

from __future__ import annotations

import inspect
import re
import shlex
import socket
from typing import TYPE_CHECKING

import pytest

from mailtally_shared.billing.tables import METADATA
from mailtally_shared.runtime.settings import describe
from mailtally_shared.runtime.settings.sources import FILE_SUFFIX, SECRETS
from mailtally_shared.state.keys import Book, StateKeys
from tests.architecture.errors_said import Said, reasons, sentences
from tests.architecture.source_tree import PACKAGES, ROOT
from tests.support import settings_page
from tests.support.commands_found import commands, options, programs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
COMMANDS = (ROOT / "docs/reference/commands.md").read_text("utf-8")
#: Every command has them: they stand once, at the top of the page.
OF_EVERY_COMMAND = {"--help", "--debug"}
CODE = re.compile(r"^```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)
#: A line to be typed, from the program's name on.
COMMAND_LINE = re.compile(r"^(?:\$ )?(?:[A-Z_]+=\S+ )*(mailtally(?:-[a-z]+)? .*)$", re.MULTILINE)
#: What the scripts in `deploy` and `docker-compose.yml` look at.
DEPLOYMENT = {
    *("MAILTALLY_REDIS", "MAILTALLY_POSTGRES", "MAILTALLY_SECRETS_DIR"),
    *("MAILTALLY_COLLECTOR_HOST", "MAILTALLY_LOG_DIR", "MAILTALLY_EXPECTED_HOSTS"),
}
#: What is no setting, and yet a variable that people set.
OTHER_VARIABLES = {
    *("MAILTALLY_CONFIG", "MAILTALLY_CRASH_AT", "MAILTALLY_KERNEL", "MAILTALLY_KERNEL_INPUTS"),
    *DEPLOYMENT,
} | {f"MAILTALLY_{name}{FILE_SUFFIX}".upper() for name in SECRETS}
#: What operators look things up in: the messages, and a page for each task.
OPERATORS_PAGES = [
    *(ROOT / "docs/reference" / name for name in ("messages.md", "retention.md")),
    *sorted((ROOT / "docs/how-to").glob("*.md")),
]
OPERATIONS = " ".join(" ".join(page.read_text("utf-8").split()) for page in OPERATORS_PAGES)
MESSAGES = " ".join((ROOT / "docs/reference/messages.md").read_text("utf-8").split())
STATE = (ROOT / "docs/reference/state.md").read_text("utf-8")
#: Members of ``StateKeys`` that are no keys themselves.
NO_KEYS = {
    "tag",
    "totals",
    "late",
    "held",
    "everything_lasting",
    "unrecorded",
    "unrecorded_prefixes",
}
#: A call of a hash command in a Lua script; its arguments may hold calls themselves.
HASH_CALL = re.compile(r"redis\.p?call\('H[A-Z]+',((?:[^()]|\([^()]*\))*)\)")

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def anchors(page: Path) -> set[str]:
    """What a link may name within a page, as the common renderers make it from headings."""
    headings = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), re.MULTILINE)
    return {
        re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings
    }


def documented_keys() -> dict[str, str]:
    """The type of each key on the page, by its name."""
    return dict(re.findall(r"^\| `(\{mailtally\}[^`]*)` \| ([a-z ]+) \|", STATE, re.MULTILINE))


def keys_in_code() -> dict[str, str]:
    """The same, from the docstrings of the members that name the keys."""
    return {
        name: kind for owner in (StateKeys(), StateKeys().totals) for name, kind in _keys_of(owner)
    }


def _keys_of(owner: StateKeys | Book) -> Iterator[tuple[str, str]]:
    for member, found in inspect.getmembers(type(owner)):
        if member.startswith("_") or member in NO_KEYS:
            continue
        name = getattr(owner, member)
        if callable(name):
            parameters = inspect.signature(name).parameters
            name = name(*(f"<{parameter}>" for parameter in parameters))
        yield name, _type_of(inspect.getdoc(found) or "")


def _type_of(doc: str) -> str:
    return doc.partition(":")[0].lower().removesuffix(" with expiry")


def hash_fields() -> set[str]:
    """The fields that Lua scripts read and write by a fixed name."""
    scripts = [path for folder in PACKAGES.values() for path in folder.rglob("*.lua")]
    calls = [call for path in scripts for call in HASH_CALL.findall(path.read_text("utf-8"))]
    return {field for call in calls for field in re.findall(r"'([a-z_:]+)'", call)}


def test_the_settings_page_is_what_the_settings_say() -> None:
    assert settings_page.PAGE.read_text("utf-8") == settings_page.page(), (
        "docs/reference/settings.md is not up to date: run `python -m tests.support.settings_page`"
    )


def test_the_settings_page_is_the_same_on_every_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    here = settings_page.page()
    monkeypatch.setattr(socket, "gethostname", lambda: "elsewhere.example.com")
    monkeypatch.setenv("MAILTALLY_TIMEZONE", "Asia/Tokyo")
    assert settings_page.page() == here


def settings_named() -> tuple[set[str], set[str]]:
    """The variables there are, and the settings' names as they stand in the file."""
    variables, names = set[str](), set[str]()
    for cls in settings_page.SERVICES:
        for row in describe(cls):
            names.add(row.toml_key.removeprefix(f"{cls.service}."))
            # A service may have a shared setting for itself alone.
            own = f"MAILTALLY_{cls.service.upper()}__{row.toml_key.upper()}"
            variables |= {row.variable, own}
    return variables, names


@each_page
def test_a_variable_named_on_a_page_exists(page: Path) -> None:
    named = set(re.findall(r"\bMAILTALLY_[A-Z_]*[A-Z]\b", page.read_text("utf-8")))
    assert named <= settings_named()[0] | OTHER_VARIABLES


def test_a_setting_named_on_an_operators_page_exists() -> None:
    named = set(re.findall(r"`((?:\w+\.)?[a-z]+_[a-z_]+)`", OPERATIONS))
    assert named <= settings_named()[1] | set(METADATA.tables)


def test_every_key_of_the_state_is_documented_with_its_type() -> None:
    assert documented_keys() == keys_in_code()


def test_the_late_book_has_the_same_keys_under_its_own_prefix() -> None:
    totals, late = dict(_keys_of(StateKeys().totals)), dict(_keys_of(StateKeys().late))
    assert late == {
        name.replace("{mailtally}", "{mailtally}:late"): kind for name, kind in totals.items()
    }
    assert "`{mailtally}:late`" in STATE
    assert "`{mailtally}:held:<collector_id>`" in STATE


@pytest.mark.parametrize("field", sorted(hash_fields()))
def test_every_field_that_a_script_names_is_documented(field: str) -> None:
    assert re.search(rf"`{field}(<\w+>)?`", STATE)


def documented_commands() -> dict[str, set[str]]:
    """What each section's table says that a command takes, by the command in its heading."""
    _, *sections = re.split(r"^##+ ", COMMANDS, flags=re.MULTILINE)
    return {section.split("`")[1]: _parameters(section) for section in sections}


def _parameters(text: str) -> set[str]:
    cells = "\n".join(re.findall(r"^\| (.*?) \|", text, re.MULTILINE))
    return set(re.findall(r"`(--?[a-z-]+|[A-Z]+)", cells))


@pytest.mark.parametrize("program", sorted(programs()))
def test_every_command_and_option_is_documented_and_every_documented_one_exists(
    program: str,
) -> None:
    existing = {name: options(command) - OF_EVERY_COMMAND for name, command in commands(program)}
    documented = {
        name: found for name, found in documented_commands().items() if name.split()[0] == program
    }
    assert documented == existing


def test_the_commands_page_has_no_program_that_is_not_there() -> None:
    assert {name.split()[0] for name in documented_commands()} == set(programs())


def test_what_every_command_has_stands_at_the_top_of_the_page() -> None:
    assert _parameters(COMMANDS.partition("\n## ")[0]) == OF_EVERY_COMMAND


@pytest.mark.parametrize("said", list(sentences()), ids=lambda said: said.place)
def test_every_sentence_that_ends_a_process_has_its_entry(said: Said) -> None:
    assert said.opening in MESSAGES


@pytest.mark.parametrize("said", list(reasons()), ids=lambda said: said.place)
def test_every_reason_for_keeping_something_aside_is_explained(said: Said) -> None:
    assert f"`{said.opening}`" in OPERATIONS


@each_page
def test_a_command_line_on_a_page_can_be_typed(page: Path) -> None:
    code = "".join(CODE.findall(page.read_text("utf-8")))
    for line in COMMAND_LINE.findall(code):
        words = shlex.split(line)
        known = dict(commands(words[0]))
        prefixes = (" ".join(words[:length]) for length in (3, 2, 1))
        command = next(known[prefix] for prefix in prefixes if prefix in known)
        typed = {word for word in words if word.startswith("--")}
        assert typed <= options(command) | OF_EVERY_COMMAND, line


@each_page
def test_a_link_on_a_page_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", page.read_text("utf-8")):
        name, _, anchor = target.partition("#")
        there = page.parent / name if name else page
        assert there.exists(), target
        assert not anchor or anchor in anchors(there), target
