"""The project's source as data: its modules, what they import, and what is tracked."""

from __future__ import annotations

import ast
import functools
import subprocess
import tomllib
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

Node = TypeVar("Node", bound=ast.AST)

ROOT = Path(__file__).resolve().parents[2]
#: The distributions' packages, by the folder that holds them.
PACKAGES = {
    "mailtally_shared": ROOT / "shared/src",
    "mailtally_kernel": ROOT / "kernel/src",
    "mailtally_collector": ROOT / "services/collector/src",
    "mailtally_aggregator": ROOT / "services/aggregator/src",
    "mailtally_loader": ROOT / "services/loader/src",
    "mailtally": ROOT / "services/console/src",
}
PROJECTS = [ROOT / "shared", ROOT / "kernel", *sorted((ROOT / "services").iterdir())]


@dataclass(frozen=True)
class Module:
    """One file of the product."""

    name: str  # dotted
    path: Path

    @functools.cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.path.read_text("utf-8"))

    @property
    def package(self) -> str:
        return self.name.partition(".")[0]

    def nodes(self, kind: type[Node]) -> list[Node]:
        """Return the nodes of the tree that are of a kind; it is walked once."""
        return [node for node in self._nodes if isinstance(node, kind)]

    def imports(self) -> frozenset[str]:
        """Dotted names imported when the program runs; not those for the type checker alone."""
        return self._imports

    @functools.cached_property
    def _imports(self) -> frozenset[str]:
        return frozenset(_imports(self.tree.body))

    @functools.cached_property
    def _nodes(self) -> tuple[ast.AST, ...]:
        kinds = (ast.Call, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
        return tuple(node for node in ast.walk(self.tree) if isinstance(node, kinds))


@functools.cache
def modules() -> tuple[Module, ...]:
    """All modules of the product."""
    return tuple(
        Module(_dotted(path.relative_to(folder)), path)
        for package, folder in PACKAGES.items()
        for path in sorted((folder / package).rglob("*.py"))
    )


@functools.cache
def pure_modules() -> tuple[Module, ...]:
    """Those that ``pure-modules.toml`` names."""
    return tuple(
        module
        for module in modules()
        if any(fnmatch(str(module.path), pattern) for pattern in pure_patterns())
    )


def pure_patterns() -> list[str]:
    """The patterns of paths in ``pure-modules.toml``."""
    settings = tomllib.loads((Path(__file__).parent / "pure-modules.toml").read_text("utf-8"))
    patterns: list[str] = settings["tool"]["coverage"]["report"]["include"]
    return patterns


@functools.cache
def tracked_files() -> tuple[Path, ...]:
    """All files that git knows."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    paths = (ROOT / name for name in listed.stdout.split("\0") if name)
    return tuple(path for path in paths if path.is_file())


def _dotted(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imports(body: list[ast.stmt]) -> Iterator[str]:
    for statement in body:
        if isinstance(statement, ast.If) and "TYPE_CHECKING" in ast.dump(statement.test):
            yield from _imports(statement.orelse)
            continue
        for node in ast.walk(statement):
            yield from _imported_by(node)


def _imported_by(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, "the house imports by full names"
        assert node.module
        # `from a import b`: b may be a module or a name; both spellings are kept.
        yield node.module
        yield from (f"{node.module}.{alias.name}" for alias in node.names)
