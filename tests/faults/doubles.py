"""Collectors that run from another one's past: restored state directories, and clones."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from tests.faults.site import clone_of

if TYPE_CHECKING:
    import random
    from pathlib import Path

    from tests.faults.site import Site


class Doubles:
    """Copies of state directories, by the collector they were taken from."""

    def __init__(self, site: Site, rng: random.Random) -> None:
        self._site = site
        self._rng = rng
        self._copies: dict[str, Path] = {}

    def back_up(self, name: str) -> None:
        """Copy a collector's state directory while it is down."""
        if name not in self._copies and (copy := self._copy(name, "backup")):
            self._copies[name] = copy
        self._site.start_if_ended(name)

    def restore(self, name: str) -> None:
        """Put the copy in the directory's place."""
        copy = self._copies.pop(name, None)
        if copy is None:
            return
        self._site.kill(name)
        shutil.rmtree(self._site.state_dir(name), ignore_errors=True)
        copy.rename(self._site.state_dir(name))
        self._site.start(name)

    def clone(self, name: str) -> None:
        """Run a copy next to the original, either one started first."""
        clone = clone_of(name)
        if clone in self._site.processes:
            return
        if self._copy(name, "clone") is not None:
            self._site.add_clone(name)
        both = self._rng.sample((name, clone), 2)
        for each in (each for each in both if each in self._site.processes):
            self._site.start(each)

    def end_clone(self, name: str) -> None:
        """Only the original remains."""
        clone = clone_of(name)
        if clone in self._site.processes:
            self._site.kill(clone)
        self._site.start_if_ended(name)

    def _copy(self, name: str, suffix: str) -> Path | None:
        """Copy the directory of a collector, which is down from then on."""
        self._site.kill(name)
        original = self._site.state_dir(name)
        copy = original.with_name(f"{name}-{suffix}")
        if original.exists():
            shutil.copytree(original, copy, dirs_exist_ok=True)
        return copy if copy.exists() else None
