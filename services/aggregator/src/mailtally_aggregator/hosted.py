"""The hosted domains: which name a record's domain is charged to. Pure."""

from __future__ import annotations

import functools
import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
NOT_HOSTED = "(not hosted)"


class HostedDomains:
    """The site's list; a name not on it is looked for through its parent domains."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(names)

    def __len__(self) -> int:
        return len(self._names)

    @functools.cached_property
    def digest(self) -> str:
        """What tells two lists apart, in any order of their names."""
        whole = "\n".join(sorted(self._names))
        return hashlib.blake2b(whole.encode("utf-8", "replace"), digest_size=8).hexdigest()

    def charged_name(self, domain: str) -> str:
        """The hosted name that is charged for ``domain``, or ``(not hosted)``."""
        name = domain
        while name not in self._names:
            _, dot, name = name.partition(".")
            if not dot:
                return NOT_HOSTED
        return name


def parse_hosted(text: str) -> HostedDomains:
    """The list in a text: one domain a line; blank lines and ``#`` comments are skipped."""
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    names = (line.lower().removesuffix(".") for line in lines if line)
    return HostedDomains(
        name if name.isascii() else name.encode("idna").decode("ascii") for name in names
    )
