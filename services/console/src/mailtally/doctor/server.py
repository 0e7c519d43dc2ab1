"""Whether a Redis keeps what is put there. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailtally.doctor.finding import Finding, Level, verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailtally.doctor.figures import Server

#: From this part of its memory on, a Redis is about to refuse writes.
_NEARLY_FULL = 0.9


def check_server(server: Server) -> Finding:
    """Whether a Redis keeps what is put there."""
    if server.last_write_failed:
        sentence = "Redis could not write its append-only file: make room on its disk."
        return Finding("Redis", Level.FAILED, sentence)
    problems = list(_server_problems(server))
    fine = f"Redis {server.version} answers, evicts nothing, and keeps an append-only file."
    return verdict("Redis", problems, fine, "", Level.WARNING)


def _server_problems(server: Server) -> Iterator[str]:
    if server.eviction != "noeviction":
        yield (
            f"It may drop keys when it is full (maxmemory-policy {server.eviction or 'unknown'}): "
            "set noeviction."
        )
    if not server.append_only:
        yield "It keeps no append-only file, and forgets when it stops: set appendonly yes."
    if server.max_memory and server.used_memory > _NEARLY_FULL * server.max_memory:
        share = server.used_memory / server.max_memory
        yield f"Its memory is {share:.0%} full: raise maxmemory."
