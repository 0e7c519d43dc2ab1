"""Resume a file that changed after it was read, or stop it."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from mailtally_collector.tail.identity.fingerprints import agreement, trail_up_to
from mailtally_collector.tail.identity.last_lines import lines_before
from mailtally_collector.tail.identity.rejoin import How, rejoin
from mailtally_collector.tail.positions import Stopped
from mailtally_collector.tail.stopped import StopReason
from mailtally_shared.runtime.logs import event

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailtally_collector.tail.content import Content
    from mailtally_collector.tail.followed import Followed

_log = logging.getLogger(__name__)

_AT_ONCE = 2**20


def resumes(file: Followed, content: Content, now: float, *, compressed: bool) -> bool:
    """Resume a changed file; return false if it is another file.

    If it is unknown how far it was read, the file is stopped.
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


def judge_counted(file: Followed, content: Content, now: float) -> None:
    """Stop a log with counted parts after the offset, unless it is the file of those parts."""
    position = file.position
    ends = tuple(mark for mark in position.ends if mark.at >= position.offset)
    if ends and agreement(ends, content) != ends[-1].at:
        stop(file, content, StopReason.CHANGED, now)
    elif ends != position.ends:
        file.position = replace(position, ends=ends)


def judge_own(file: Followed, content: Content, now: float) -> None:
    """Stop a log that may have been restored together with an old state directory.

    For a file that the ledger no longer knows, only the directory shows how far it was read;
    anything after that was probably counted.
    """
    own = file.position.own
    if own is None:
        return
    file.position = replace(file.position, own=None)
    if own.at == file.position.offset and content.size() > own.at:
        stop(file, content, StopReason.CHANGED, now)


def resume_at(file: Followed, content: Content, path: str, at: int, now: float) -> None:
    """Resume a changed file at the end of what was read of it."""
    if file.is_partly_counted:
        # It is no longer known which of the parts after the offset were counted.
        stop(file, content, StopReason.CHANGED, now)
        return
    file.former, file.former_end = file.position, at
    go_on_at(file, content, at)
    event(
        _log,
        logging.WARNING,
        "log-changed",
        f"{path} has changed since it was read; reading resumes at byte {at} instead of "
        f"{file.former.offset}, after what was read of it.",
        file=path,
        former=file.former.offset,
        offset=at,
    )


def go_on_at(file: Followed, content: Content, at: int) -> None:
    """Set the position of a file to ``at``."""
    trail, lines = trail_up_to(content, at), lines_before(content, at)
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
        ends=(),
    )
    file.searched = file.nuls_to = 0


def stop(file: Followed, content: Content, reason: StopReason, now: float) -> None:
    """Stop reading a file until an operator settles where to resume.

    It is identified by its present content.
    """
    stopped = file.position.stopped or Stopped(reason, now, file.position.offset)
    go_on_at(file, content, content.size())
    file.position = replace(file.position, stopped=stopped)


def settle(file: Followed, content: Content | None, line: int | None) -> bool:
    """Resume a stopped file at a line, or at its end; return false if it cannot be read now.

    A file that no longer exists is settled in any case.
    """
    if content is None and line is not None and not file.is_lost:
        return False
    if content is not None:
        at = _end_of_lines(content) if line is None else _begin_of(line, content)
        go_on_at(file, content, at)
    file.position = replace(file.position, stopped=None)
    return True


def _end_of_lines(content: Content) -> int:
    """Return the end of the last whole line."""
    end = 0
    for at, data in _blocks(content):
        last = data.rfind(b"\n")
        end = end if last < 0 else at + last + 1
    return end


def _begin_of(line: int, content: Content) -> int:
    """Return the start of a line, counted from 1; with fewer lines, the end of the last one."""
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
    """Return the offset after ``feeds`` line feeds."""
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
