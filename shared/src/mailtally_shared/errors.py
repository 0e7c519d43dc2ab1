"""The errors of mailtally. Each type says what its receiver does next.

MailtallyError                 one plain sentence for a person
├── SettingsError              stop, exit 2: the operator mends the settings
├── Unavailable                wait with backoff and try again: a server is away
├── Refused                    stop, exit 1: going on would count wrongly
│   └── Fenced                 … because another collector took over this host name
└── BadInput                   keep the item aside with ``reason``, go on with the next
    ├── BadBatch               a header or payload from the queue
    └── BadFile                a day file, CSV or manifest; names file and line
"""

#: The reason of a ``BadBatch`` that is not bad, but of a version of mailtally not known here.
UNKNOWN_VERSION = "unknown-version"


class MailtallyError(Exception):
    """Base of all errors that are shown as one sentence, without a traceback."""


class SettingsError(MailtallyError):
    """Settings are wrong. Its text lists every error found, one a line."""


class Unavailable(MailtallyError):
    """A server cannot be used at the moment. Back off, then try again."""


class Refused(MailtallyError):
    """The work cannot go on without risk to the figures. Stop and say why."""


class Fenced(Refused):
    """A newer registration owns this host name; batches of this one are refused."""


class BadInput(MailtallyError):
    """An item from outside is unusable: keep it aside, count it by ``reason``, go on.

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
