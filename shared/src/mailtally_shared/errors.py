"""The errors of mailtally. Each type says what the caller does next.

MailtallyError                 one plain sentence for the operator
├── SettingsError              stop, exit 2: the operator corrects the settings
├── Unavailable                wait with backoff and retry: a server is away
│   ├── Asleep                 … a site's own Redis, which runs only with the site
│   └── NothingLoaded          … the database, which the loader has not created yet
├── Refused                    stop, exit 1: continuing would count wrongly
│   └── Fenced                 … because another collector took over this host name
└── BadInput                   quarantine or reject the item with ``reason``, continue with the next
    ├── BadBatch               a header or payload from the queue
    └── BadFile                a day file, CSV or manifest; names file and line
        └── NewerFile          … that a newer version wrote: leave it unchanged for that one
"""

#: The reason of what is of a format version not known here: it is left for a later release.
UNKNOWN_VERSION = "unknown-version"


class MailtallyError(Exception):
    """Base of all errors that are shown as one sentence, without a traceback."""


class SettingsError(MailtallyError):
    """Settings are wrong. The text lists every error found, one per line."""


class Unavailable(MailtallyError):
    """A server cannot be used at the moment. Back off, then retry."""


class Refused(MailtallyError):
    """Continuing would put the figures at risk. Stop and say why."""


class Fenced(Refused):
    """A newer registration owns this host name; batches of this one are refused."""


class BadInput(MailtallyError):
    """An item from outside is unusable: quarantine or reject it, count it by ``reason``, continue.

    ``reason`` is one lower-case token (``bad-checksum``), fit for a metric label.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class BadBatch(BadInput):
    """A batch from the queue cannot be decoded or contradicts itself."""


class BadFile(BadInput):
    """A day file, breakdown or manifest cannot be read; names the file and line."""

    def __init__(self, reason: str, path: str, message: str, line: int | None = None) -> None:
        where = path if line is None else f"{path}, line {line}"
        super().__init__(reason, f"{where}: {message}")
        self.path = path
        self.line = line


class NewerFile(BadFile):
    """A file that a newer version of mailtally wrote: it is left for that one."""

    def __init__(self, path: str, what: str) -> None:
        sentence = f"a newer version of mailtally wrote it ({what}); upgrade this one"
        super().__init__(UNKNOWN_VERSION, path, sentence)


class Asleep(Unavailable):
    """The site's own Redis is not running: nothing is counted at the moment."""


class NothingLoaded(Unavailable):
    """The loader has not created the database or its tables yet."""
