"""The hosted domains: which name a record's domain is charged to. Pure, but for its reader."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailtally_shared.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

NOT_HOSTED = "(not hosted)"


class HostedDomains:
    """The site's list; a name not on it is looked for through its parent domains."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(names)

    def __len__(self) -> int:
        return len(self._names)

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


class HostedFile:
    """The list in a file, read again whenever the file changes."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self._domains: HostedDomains | None = None

    def current(self) -> HostedDomains | None:
        """The list as it stands now; ``None`` where the site has none.

        A file that cannot be read after it could be once (it is just being
        replaced) leaves the last list in force.

        Raises:
            SettingsError: the file could never be read.
        """
        if self._path is None:
            return None
        try:
            status = self._path.stat()
            seen = (status.st_mtime_ns, status.st_size, status.st_ino)
            if seen != self._seen:
                self._domains = parse_hosted(self._path.read_text(encoding="utf-8"))
                self._seen = seen
        except (OSError, UnicodeError) as error:
            if self._domains is None:
                raise SettingsError(
                    f"MAILTALLY_HOSTED_DOMAINS: {self._path} cannot be read: {error}."
                ) from error
        return self._domains
