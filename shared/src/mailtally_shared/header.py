"""What travels through the queue: small messages that announce, never the records.

A ``BatchHeader`` announces a payload that lies in the state under its own key
(the claim-check pattern); a ``Heartbeat`` says how far an idle collector has
read. Both are JSON with a format version, validated strictly on the way in.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from mailtally_shared.errors import UNKNOWN_VERSION, BadBatch
from mailtally_shared.shown import one_line
from mailtally_shared.status import StatusText

#: The format of announcements; another one is left for a version that reads it.
VERSION: Final = 2
#: Largest announcement that is read, in bytes.
MAX_MESSAGE = 16 * 2**20
#: What is read in place of a larger one, which is passed over without being kept.
TOO_LARGE = b"(a message larger than any announcement, not read)"
#: Quotation marks of an announcement, and bytes of it outside of strings: a validator may make some
#: hundred bytes of each, and a text of MAX_MESSAGE may consist of little else.
MAX_QUOTES, MAX_STRUCTURE = 65_536, 65_536
#: Longest progress note, in characters: some 25,000 log files at 300 each.
MAX_PROGRESS = 8 * 2**20
#: Characters of the validator's own words that an error repeats: they may quote the message.
_LONGEST_TOLD = 200

#: Seconds by which two clocks may differ and still agree.
CLOCK_TOLERANCE = 60

#: Reasons for malformed lines that one batch may count: each is a field of the ledger for good.
MAX_REASONS = 64

Count = Annotated[int, Field(ge=0, le=2**53 - 1)]
#: Lines of one batch. Far above what a collector sends, and far below what could make a sum of
#: many batches exceed 63 bits.
Lines = Annotated[int, Field(ge=0, le=2**40)]
CollectorId = Annotated[str, Field(pattern=r"\A[0-9a-f]{32}\z")]
#: Made at each start of a collector: with the epoch it names one incarnation.
Nonce = Annotated[str, Field(pattern=r"\A[0-9a-f]{32}\z")]
HostName = Annotated[str, Field(pattern=r"\A[a-z0-9._:-]{1,255}\z")]
Reason = Annotated[str, Field(pattern=r"\A[a-z-]{1,40}\z")]


class _Message(BaseModel):
    """What both kinds say.

    ``clock`` is what the collector's clock showed (Unix seconds) when it last looked into the
    state, ``state_clock`` what Redis's clock showed then; 0 where it has not looked yet.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    version: Literal[2] = VERSION
    collector_id: CollectorId
    epoch: Annotated[int, Field(ge=1, le=2**53 - 1)]
    nonce: Nonce
    host: HostName
    clock: Count = 0
    state_clock: Count = 0

    def to_bytes(self) -> bytes:
        """The message as it travels: JSON, UTF-8."""
        return self.model_dump_json().encode()


class BatchHeader(_Message):
    """Batch number ``seq`` of a collector: what it holds and where its payload lies.

    ``progress`` is the collector's own note (JSON) on the file positions that
    this batch covers; the ledger keeps it and hands it back after a loss.
    ``watermark`` (Unix seconds) holds once this batch and all before it are
    applied: whatever was logged before that time has then been counted.
    """

    kind: Literal["batch"] = "batch"
    seq: Annotated[int, Field(ge=1, le=2**53 - 1)]
    lines: Lines
    records: Lines
    malformed: Annotated[dict[Reason, Lines], Field(max_length=MAX_REASONS)] = {}
    time_min: Count | None = None
    time_max: Count | None = None
    watermark: Count
    progress: Annotated[str, Field(max_length=MAX_PROGRESS)]
    payload_key: Annotated[str, Field(max_length=512)]
    payload_bytes: Count
    checksum: Annotated[str, Field(pattern=r"\A[0-9a-f]{32}\z")]


class Heartbeat(_Message):
    """An idle collector's word that nothing is unread up to ``watermark``.

    It counts once all batches up to ``after_seq`` are applied, and is dropped
    otherwise: the next one comes soon. ``status`` counts at once: it is the collector's status
    document where that is another than the ledger has, see ``mailtally_shared.status``. Only
    heartbeats carry one: a batch that is sent again would bring an old one back.
    """

    kind: Literal["heartbeat"] = "heartbeat"
    after_seq: Count
    watermark: Count
    status: StatusText | None = None


Announcement = Annotated[BatchHeader | Heartbeat, Field(discriminator="kind")]
_ANNOUNCEMENT: TypeAdapter[BatchHeader | Heartbeat] = TypeAdapter(Announcement)


def parse_announcement(body: bytes) -> BatchHeader | Heartbeat:
    """Read a message of the queue.

    Raises:
        BadBatch: ``bad-header`` for what is no announcement of this version.
    """
    if len(body) > MAX_MESSAGE:
        raise BadBatch("bad-header", f"A message of {len(body)} bytes is no announcement.")
    if body == TOO_LARGE:
        raise BadBatch("bad-header", f"A message of more than {MAX_MESSAGE} bytes was not read.")
    if len(body) > MAX_STRUCTURE and _is_intricate(body):
        raise BadBatch("bad-header", f"{len(body)} bytes of brackets are no announcement.")
    try:
        return _ANNOUNCEMENT.validate_json(body)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(one_line, first["loc"]))
        reason = UNKNOWN_VERSION if where.endswith("version") else "bad-header"
        what = one_line(first["msg"], _LONGEST_TOLD)
        raise BadBatch(reason, f"The announcement's {where} is wrong: {what}.") from error


def _is_intricate(body: bytes) -> bool:
    """Return whether JSON has more structure than an announcement, however long its strings are."""
    plain = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    if plain.count(b'"') > MAX_QUOTES:
        return True
    return sum(map(len, plain.split(b'"')[::2])) > MAX_STRUCTURE
