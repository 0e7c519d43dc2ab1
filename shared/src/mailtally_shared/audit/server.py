"""Whether a Redis keeps the data written to it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailtally_shared.audit.finding import Finding, Level, verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailtally_shared.audit.gathered import Server

#: Used share of its memory from which on a Redis is about to refuse writes.
_NEARLY_FULL = 0.9


def check_server(server: Server) -> Finding:
    """Return a finding on the persistence and the memory of a Redis."""
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
        yield "It keeps no append-only file, and loses its data when it stops: set appendonly yes."
    if server.max_memory and server.used_memory > _NEARLY_FULL * server.max_memory:
        share = server.used_memory / server.max_memory
        yield f"Its memory is {share:.0%} full: raise maxmemory."
