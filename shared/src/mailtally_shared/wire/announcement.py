"""The messages of the queue. They announce batches and never contain records.

A ``BatchHeader`` announces a payload that lies in the state under its own key
(the claim-check pattern); a ``Heartbeat`` says how far an idle collector has
read. Both are JSON with a format version, and are validated strictly.
"""

from __future__ import annotations

from functools import cache
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from mailtally_shared.errors import UNKNOWN_VERSION, BadBatch
from mailtally_shared.schema import HOST_NAME, MAX_LINES, MAX_ROWS
from mailtally_shared.shown import one_line
from mailtally_shared.versions import stated_number
from mailtally_shared.wire.status import StatusText

#: The format of announcements; another one is left for a release that reads it.
VERSION: Final = 2
#: Size limit of an announcement, in bytes.
MAX_MESSAGE = 16 * 2**20
#: Replaces a larger one, which is skipped without being kept.
TOO_LARGE = b"(a message larger than any announcement, not read)"
#: Limits of an announcement's quotation marks, and of its bytes outside of strings: a validator
#: may allocate some hundred bytes for each, and MAX_MESSAGE bytes could consist of little else.
MAX_QUOTES, MAX_STRUCTURE = 65_536, 65_536
#: Size limit of the progress note, in characters: some 25,000 log files at 300 each.
MAX_PROGRESS = 8 * 2**20
#: Characters of the validator's message that an error repeats: it may quote the announcement.
_LONGEST_QUOTE = 200

#: Seconds by which two clocks may differ and still count as agreeing.
CLOCK_TOLERANCE = 60

#: Reasons of malformed lines in one batch: each remains a field of the ledger for good.
MAX_REASONS = 64

Count = Annotated[int, Field(ge=0, le=2**53 - 1)]
Lines = Annotated[int, Field(ge=0, le=MAX_LINES)]
CollectorId = Annotated[str, Field(pattern=r"\A[0-9a-f]{32}\z")]
#: Drawn at each start of a collector: with the epoch it identifies one incarnation.
Nonce = Annotated[str, Field(pattern=r"\A[0-9a-f]{32}\z")]
HostName = Annotated[str, Field(pattern=rf"\A{HOST_NAME}\z")]
Reason = Annotated[str, Field(pattern=r"\A[a-z-]{1,40}\z")]


class _Message(BaseModel):
    """The fields that both kinds of message have.

    ``clock`` is the time of the collector's clock (Unix seconds) when it last read the state,
    ``state_clock`` Redis's time then; 0 where it has not read the state yet.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", defer_build=True)

    version: Literal[2] = VERSION
    collector_id: CollectorId
    epoch: Annotated[int, Field(ge=1, le=2**53 - 1)]
    nonce: Nonce
    host: HostName
    clock: Count = 0
    state_clock: Count = 0

    def to_bytes(self) -> bytes:
        """Return the message as it travels: JSON, UTF-8."""
        return self.model_dump_json().encode()


class BatchHeader(_Message):
    """The announcement of batch ``seq`` of a collector: its content and its payload's key.

    The payload has ``rows``, each of one or several of the ``records``.
    ``progress`` is the collector's own note (JSON) on the file positions that
    this batch covers; the ledger keeps it and returns it to a collector that lost its own.
    ``watermark`` (Unix seconds) holds once this batch and all before it are
    applied: every line logged before that time has then been counted.
    """

    kind: Literal["batch"] = "batch"
    seq: Annotated[int, Field(ge=1, le=2**53 - 1)]
    lines: Lines
    records: Lines
    rows: Annotated[int, Field(ge=0, le=MAX_ROWS)]
    malformed: Annotated[dict[Reason, Lines], Field(max_length=MAX_REASONS)] = {}
    time_min: Count | None = None
    time_max: Count | None = None
    watermark: Count
    progress: Annotated[str, Field(max_length=MAX_PROGRESS)]
    payload_key: Annotated[str, Field(max_length=512)]
    payload_bytes: Count
    checksum: Annotated[str, Field(pattern=r"\A[0-9a-f]{32}\z")]


class Heartbeat(_Message):
    """The message of an idle collector: nothing is unread up to ``watermark``.

    It takes effect once all batches up to ``after_seq`` are applied, and is dropped
    otherwise: the next one comes soon. ``status`` takes effect at once: it is the collector's
    status document where that differs from the ledger's, see ``mailtally_shared.wire.status``.
    Only heartbeats carry one: a batch that is sent again would restore an old one.
    """

    kind: Literal["heartbeat"] = "heartbeat"
    after_seq: Count
    watermark: Count
    status: StatusText | None = None


Announcement = Annotated[BatchHeader | Heartbeat, Field(discriminator="kind")]


@cache
def _announcement() -> TypeAdapter[BatchHeader | Heartbeat]:
    """Return the parser, built when it is first used."""
    return TypeAdapter(Announcement)


def parse_announcement(body: bytes) -> BatchHeader | Heartbeat:
    """Parse a message of the queue.

    Raises:
        BadBatch: ``bad-header`` if it is not an announcement of this version.
    """
    if len(body) > MAX_MESSAGE:
        raise BadBatch("bad-header", f"A message of {len(body)} bytes is not an announcement.")
    if body == TOO_LARGE:
        raise BadBatch("bad-header", f"A message of more than {MAX_MESSAGE} bytes was not read.")
    if len(body) > MAX_STRUCTURE and _is_intricate(body):
        raise BadBatch("bad-header", f"A message of {len(body)} bytes has too much JSON structure.")
    try:
        return _announcement().validate_json(body)
    except ValidationError as error:
        if (stated := stated_number(body, "version")) > VERSION:
            raise BadBatch(UNKNOWN_VERSION, newer_than_here("announcement", stated)) from error
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(one_line, first["loc"]))
        reason = UNKNOWN_VERSION if where.endswith("version") else "bad-header"
        what = one_line(first["msg"], _LONGEST_QUOTE)
        raise BadBatch(reason, f"The announcement's {where} is invalid: {what}.") from error


def newer_than_here(what: str, stated: object) -> str:
    """Return what to do about a message of a collector that was upgraded before this process."""
    return (
        f"The {what} has format {stated}, which this version does not read: upgrade the "
        "aggregators before the collectors. Its collector keeps the batch until then."
    )


def _is_intricate(body: bytes) -> bool:
    """Return whether JSON has more structure than an announcement, however long its strings are."""
    plain = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    if plain.count(b'"') > MAX_QUOTES:
        return True
    return sum(map(len, plain.split(b'"')[::2])) > MAX_STRUCTURE
