"""The file of the hosted domains, read again whenever it changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mailtally_aggregator.hosted import HostedDomains, parse_hosted
from mailtally_shared.errors import SettingsError
from mailtally_shared.process.small_file import read_text

if TYPE_CHECKING:
    from pathlib import Path

#: Bytes of a list, at most: two million names of a hundred letters.
_MOST: Final = 2**28


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
                self._domains = parse_hosted(read_text(self._path, _MOST))
                self._seen = seen
        except (OSError, UnicodeError) as error:
            if self._domains is None:
                raise SettingsError(
                    f"MAILTALLY_HOSTED_DOMAINS: {self._path} cannot be read: {error}."
                ) from error
        return self._domains
