"""The status document: a collector's logs, and whether it can read them.

A heartbeat carries it when it has changed, and the ledger keeps the last one of each
collector. Counting does not depend on it: a document that cannot be read loses only its own
information. Unknown fields are ignored, so that a later release of the collector may add some.
"""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mailtally_shared.shown import one_line

#: Size limit of a document, in bytes; it is ASCII, so these are characters as well.
MAX_STATUS = 2**16
#: Malformed lines shown for each reason.
MOST_SAMPLES = 3
#: Characters of a path or a sample.
LONGEST_TEXT = 400
#: A sentence may name two paths, and it ends with the command to type.
LONGEST_SENTENCE = 1200
_MOST_ITEMS = 1000
#: Kind of trouble with a log that was changed in a way that lines may be missing or counted twice.
DOUBTFUL = "doubtful"
#: Kind of trouble with a rotated log that no rotation explains: nothing is missing.
UNEXPECTED = "unexpected"
#: Kind of trouble with a log that is read after another file: nothing is missing, its days wait.
WAITING = "waiting"

Count = Annotated[int, Field(ge=0, le=2**53 - 1)]
Text = Annotated[str, Field(max_length=LONGEST_TEXT, pattern=r"\A[ -~]*\z")]
Sentence = Annotated[str, Field(max_length=LONGEST_SENTENCE, pattern=r"\A[ -~]*\z")]
Token = Annotated[str, Field(pattern=r"\A[a-z0-9-]{1,40}\z")]
#: A document as it travels.
StatusText = Annotated[str, Field(max_length=MAX_STATUS, pattern=r"\A[ -~]*\z")]


class StatusError(ValueError):
    """A status document cannot be read."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", defer_build=True)


class LineCounts(_Part):
    """Numbers of lines. Those that are neither records nor malformed were passed over."""

    lines: Count = 0
    records: Count = 0
    malformed: Annotated[dict[Token, Count], Field(max_length=64)] = {}

    @property
    def share_malformed(self) -> float:
        """The malformed part of the lines; 0.0 without lines."""
        return sum(self.malformed.values()) / self.lines if self.lines else 0.0


class ProgramCounts(_Part):
    """Lines of one program in a log: those that ended records, those passed, malformed ones."""

    counted: Count = 0
    passed: Count = 0
    malformed: Count = 0


class LogStatus(_Part):
    """A log and its lines: since the collector's start, and the latest ones.

    ``programs`` has the former by program, where a log has the lines of several.
    """

    path: Text
    format: Token | None = None
    counted: LineCounts = LineCounts()
    latest: LineCounts = LineCounts()
    programs: Annotated[dict[Token, ProgramCounts], Field(max_length=64)] = {}


class PatternStatus(_Part):
    """A glob of the settings, and the number of files that it matches."""

    pattern: Text
    files: Count


class Trouble(_Part):
    """A condition that keeps lines from being counted, or has them counted again.

    ``since`` and ``until`` are Unix seconds between which the lines in question were logged;
    ``until`` is ``None`` where it continues.
    """

    kind: Token
    path: Text
    sentence: Sentence
    since: Count = 0
    until: Count | None = None


class Sample(_Part):
    """A malformed line, its addresses masked."""

    reason: Token
    path: Text
    line: Text


class StatusDocument(_Part):
    """A collector's report on itself.

    Attributes:
        format: of the document.
        release: the collector's version.
        since: Unix seconds of its start.
        patterns: the globs that it follows.
        logs: the logs found; ``more_logs`` counts those left out for lack of room.
        troubles: what cannot be read; ``more_troubles`` likewise.
        samples: some malformed lines.
        unread: bytes of log known to be unread, rounded to whole MiB, so that a busy log does not
            change the document each time.
    """

    format: Literal[1] = 1
    release: Text = ""
    since: Count = 0
    patterns: Annotated[tuple[PatternStatus, ...], Field(max_length=_MOST_ITEMS)] = ()
    logs: Annotated[tuple[LogStatus, ...], Field(max_length=_MOST_ITEMS)] = ()
    more_logs: Count = 0
    troubles: Annotated[tuple[Trouble, ...], Field(max_length=_MOST_ITEMS)] = ()
    more_troubles: Count = 0
    samples: Annotated[tuple[Sample, ...], Field(max_length=_MOST_ITEMS)] = ()
    unread: Count = 0


def render(document: StatusDocument) -> str:
    """Return the document as it travels, cut to its size limit.

    Samples are left out first, then the logs listed last, then troubles; omissions are counted.
    """
    while len(text := _json(document)) > MAX_STATUS:
        document = _smaller(document)
    return text


def parse(text: str | bytes) -> StatusDocument:
    """Parse a document, which may contain anything.

    Raises:
        StatusError: it is not a document.
    """
    if len(text) > MAX_STATUS:
        raise StatusError(f"A status document of {len(text)} bytes is too large.")
    try:
        return StatusDocument.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        where = ".".join(map(one_line, first["loc"])) or "document"
        raise StatusError(f"Its {where} is invalid: {one_line(first['msg'])}.") from error


def digest_of(text: str) -> str:
    """Return a digest that differs between any two documents."""
    return hashlib.blake2b(text.encode("ascii", "backslashreplace"), digest_size=8).hexdigest()


def printable(text: str, longest: int = LONGEST_TEXT) -> str:
    """Return text from outside in the document's form: printable ASCII, cut to ``longest``."""
    plain = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text[: longest * 2])
    plain = plain.encode("ascii", "backslashreplace").decode("ascii")
    return plain if len(plain) <= longest else f"{plain[: longest - 3]}..."


def _json(document: StatusDocument) -> str:
    return json.dumps(document.model_dump(exclude_defaults=True) | {"format": document.format})


def _smaller(document: StatusDocument) -> StatusDocument:
    if document.samples:
        return document.model_copy(update={"samples": ()})
    if document.logs:
        kept = document.logs[: len(document.logs) // 2]
        more = document.more_logs + len(document.logs) - len(kept)
        return document.model_copy(update={"logs": kept, "more_logs": more})
    if document.troubles:
        half = document.troubles[: len(document.troubles) // 2]
        more = document.more_troubles + len(document.troubles) - len(half)
        return document.model_copy(update={"troubles": half, "more_troubles": more})
    return document.model_copy(update={"patterns": ()})
