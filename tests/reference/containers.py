"""Lines within lines: the journal's JSON, docker's json-file, and CRI (FORMATS 2)."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace

from tests.reference.clothing import DOVECOT_BODY, Dressed, tagged, undress
from tests.reference.outcome import Malformed, need
from tests.reference.stamps import Stamp, moment, read_stamp

CRI = re.compile(
    rb"(?P<stamp>[0-9]{4}-[0-9T:.+Z-]+) (?P<stream>stdout|stderr) (?P<mark>[FP])(?::[^ ]*)? "
    rb"(?P<text>.*)\Z",
    re.DOTALL,
)
LONGEST = 65_536  # bytes of a line put together


@dataclass
class Containers:
    """What streams have begun and not ended; ``undress`` takes a line at a time."""

    begun: dict[bytes, bytes] = field(default_factory=dict)

    def undress(self, line: bytes) -> Dressed | None:
        """Return what a line says; None for one without clothing, or not at its end yet."""
        if found := CRI.match(line):
            read = read_stamp(found["stamp"] + b" ")
            need(read is not None, "bad-timestamp")
            assert read is not None
            whole = found["mark"] == b"F"
            return self.piece(b"cri " + found["stream"], read.stamp, found["text"], whole=whole)
        if line.startswith(b'{"'):
            return self.undress_json(line)
        return undress(line)

    def undress_json(self, line: bytes) -> Dressed | None:
        try:
            said = json.loads(line.decode("utf-8", "surrogateescape"))
        except (ValueError, RecursionError):
            raise Malformed("bad-json") from None
        if "__REALTIME_TIMESTAMP" in said:
            return undress_journal(said)
        if "log" in said and "time" in said:
            return self.undress_docker(said)
        return None

    def undress_docker(self, said: dict[str, object]) -> Dressed | None:
        read = read_stamp(as_bytes(said["time"]) + b" ")
        need(read is not None, "bad-timestamp")
        assert read is not None
        text = as_bytes(said["log"])
        stream = b"docker " + as_bytes(said.get("stream", ""))
        return self.piece(stream, read.stamp, text.removesuffix(b"\n"), whole=text.endswith(b"\n"))

    def piece(self, stream: bytes, stamp: Stamp, text: bytes, *, whole: bool) -> Dressed | None:
        text = self.begun.pop(stream, b"") + text
        if not whole:
            self.begun[stream] = text[: LONGEST + 1]
            return None
        need(len(text) <= LONGEST, "too-long")
        return undress_contained(stamp, text.removesuffix(b"\r"))


def undress_contained(stamp: Stamp, text: bytes) -> Dressed:
    """Undress again; what has no stamp of its own has the container's."""
    inner = undress(text)
    if inner is not None:
        return inner
    if DOVECOT_BODY.match(text):
        return Dressed(stamp, b"", b"dovecot", b"", text)
    program, pid, body = tagged(text)
    return Dressed(stamp, b"", program, pid, body)


def undress_journal(said: dict[str, object]) -> Dressed:
    microseconds = as_bytes(only(said["__REALTIME_TIMESTAMP"]))
    need(re.fullmatch(rb"[0-9]{1,20}", microseconds), "bad-timestamp")
    stamp = moment(int(microseconds) // 1_000_000)
    program = only(said.get("SYSLOG_IDENTIFIER")) or only(said.get("_COMM")) or ""
    pid = only(said.get("SYSLOG_PID")) or only(said.get("_PID")) or ""
    host = as_bytes(only(said.get("_HOSTNAME")) or "").lower()
    need(re.fullmatch(rb"[\x21-\x7e]{0,255}", host), "bad-host")
    body = message(said.get("MESSAGE"))
    dressed = Dressed(stamp, host, as_bytes(program), as_bytes(pid), body)
    # A message of several lines: the others would be lines without clothing in a file.
    return replace(dressed, body=dressed.body.split(b"\n")[0])


def message(value: object) -> bytes:
    """Return the text of MESSAGE; the journal writes bytes where it is no UTF-8."""
    if isinstance(value, list) and value and not isinstance(value[0], int):
        value = value[0]
    if isinstance(value, list):
        need(all(type(byte) is int and 0 <= byte < 256 for byte in value), "bad-json")
        return bytes(value)
    need(value is not None, "message-cut")
    return as_bytes(value)


def only(value: object) -> object:
    """Return a field's value; of a field that was set several times, the first."""
    return value[0] if isinstance(value, list) and value else value


def as_bytes(value: object) -> bytes:
    need(isinstance(value, str), "bad-json")
    assert isinstance(value, str)
    try:
        return value.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise Malformed("bad-json") from None
