"""Have a file that changed under its reader read on where what was read of it ends."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from mailtally_collector.positions import Stopped
from mailtally_collector.tail.identity import trail_at
from mailtally_collector.tail.last_lines import lines_before
from mailtally_collector.tail.rejoin import How, rejoin
from mailtally_collector.tail.stopped import StopReason
from mailtally_shared.process.logs import event

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailtally_collector.tail.content import Content
    from mailtally_collector.tail.followed import Followed

_log = logging.getLogger(__name__)

_AT_ONCE = 2**20


def resumes(file: Followed, content: Content, now: float, *, compressed: bool) -> bool:
    """Find what was read of a file in it, though it changed; false if it is another file.

    Where it is unknown how far it was read, the file is stopped.
    """
    former = file.position
    verdict = rejoin(former, content, compressed=compressed)
    if verdict.how is How.OTHER:
        return False
    if verdict.how is How.UNKNOWN:
        stop(file, content, StopReason.CHANGED, now)
    else:
        resume_at(file, content, former.path, verdict.at, now)
        file.is_doubtful = not verdict.is_sure
    return True


def judge_own(file: Followed, content: Content, now: float) -> None:
    """Find out whether a log that holds what was read went back with an old state directory.

    Of a file that the ledger does not know any more, only the directory tells how far it was read;
    what is behind that was probably counted.
    """
    own = file.position.own
    if own is None:
        return
    file.position = replace(file.position, own=None)
    if own.at == file.position.offset and content.size() > own.at:
        stop(file, content, StopReason.CHANGED, now)


def resume_at(file: Followed, content: Content, path: str, at: int, now: float) -> None:
    """Read a changed file on from where it was found that what was read of it ends."""
    if file.is_partly_counted:
        # Which of the stretches behind the offset were counted is not known any more.
        stop(file, content, StopReason.CHANGED, now)
        return
    former = file.position.offset
    go_on_at(file, content, at)
    event(
        _log,
        logging.WARNING,
        "log-changed",
        f"{path} is not as it was when it was read; reading goes on at byte {at} "
        f"instead of {former}, behind what was read of it.",
        file=path,
        former=former,
        offset=at,
    )


def go_on_at(file: Followed, content: Content, at: int) -> None:
    """Take a file as read up to ``at``."""
    trail, lines = trail_at(content, at), lines_before(content, at)
    begin = min(file.position.begin, at)
    file.position = replace(
        file.position,
        begin=begin,
        offset=at,
        trail=trail,
        lines=lines,
        seal=None,
        copy=None,
        own=None,
    )
    file.searched = file.nuls_to = 0


def stop(file: Followed, content: Content, reason: StopReason, now: float) -> None:
    """Read a file no further, until a person says where to go on.

    It is known by what is in it now.
    """
    stopped = file.position.stopped or Stopped(reason, now, file.position.offset)
    go_on_at(file, content, content.size())
    file.position = replace(file.position, stopped=stopped)


def settle(file: Followed, content: Content | None, line: int | None) -> bool:
    """Go on in a stopped file at a line, or at its end; false if it cannot be read now.

    A file that is gone has nothing to go on with, and is settled in any case.
    """
    if content is None and line is not None and not file.is_lost:
        return False
    if content is not None:
        at = _end_of_lines(content) if line is None else _begin_of(line, content)
        go_on_at(file, content, at)
    file.position = replace(file.position, stopped=None)
    return True


def _end_of_lines(content: Content) -> int:
    """Return where the last whole line ends."""
    end = 0
    for at, data in _blocks(content):
        last = data.rfind(b"\n")
        end = end if last < 0 else at + last + 1
    return end


def _begin_of(line: int, content: Content) -> int:
    """Return where a line begins, counted from 1; of fewer lines, the end of the last whole one."""
    before, end = line - 1, 0
    for at, data in _blocks(content):
        feeds = data.count(b"\n")
        if feeds:
            end = at + _after_feeds(data, min(feeds, before))
        before -= min(feeds, before)
        if not before:
            break
    return end


def _after_feeds(data: bytes, feeds: int) -> int:
    """Return the offset behind so many line feeds."""
    at = 0
    for _ in range(feeds):
        at = data.index(b"\n", at) + 1
    return at


def _blocks(content: Content) -> Iterator[tuple[int, bytes]]:
    """Yield the file piece by piece, each with its offset: a line may be larger than memory."""
    at = 0
    block = memoryview(bytearray(_AT_ONCE))
    while got := content.read_into(block, at):
        yield at, bytes(block[:got])
        at += got
