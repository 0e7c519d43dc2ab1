"""The servers of the laboratory: how each is started, and what is tried on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from tests.servers import (
    dovecot_scenarios,
    exim_scenarios,
    postfix_scenarios,
    sendmail_scenarios,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from tests.servers.truth import Outcome


@dataclass(frozen=True)
class Suite:
    """One set of servers; ``Any`` is its own kind of laboratory, which has a ``host``."""

    running: Callable[[Path], AbstractContextManager[Any]]
    scenarios: tuple[Callable[[Any], Outcome], ...]
    #: Parts of the line that says the size of a message, with ``{id}`` and ``{size}`` in them.
    size_forms: tuple[str, ...]

    def version(self, lab: Any) -> str:  # noqa: ANN401 - as the class says
        """Return the versions of the packages that run."""
        unpacked = lab.host.sandbox.unpacked.parent / "archives"
        names = sorted(unquote(path.name) for path in unpacked.glob("*.deb"))
        wanted = ("postfix", "dovecot-core", "exim4-daemon", "sendmail-bin", "courier-imap")
        return ", ".join(" ".join(n.split("_")[:2]) for n in names if n.startswith(wanted))


_POSTFIX_SIZE = ("{id}: from=<", ", size={size}, nrcpt=")

SUITES: dict[str, Suite] = {
    "postfix": Suite(postfix_scenarios.running, postfix_scenarios.SCENARIOS, _POSTFIX_SIZE),
    "postlog": Suite(
        postfix_scenarios.running_with_own_log, postfix_scenarios.WITH_OWN_LOG, _POSTFIX_SIZE
    ),
    "dovecot": Suite(dovecot_scenarios.running, dovecot_scenarios.SCENARIOS, _POSTFIX_SIZE),
    "exim": Suite(exim_scenarios.running, exim_scenarios.SCENARIOS, (" {id} <= ", " S={size} ")),
    "sendmail": Suite(
        sendmail_scenarios.running,
        sendmail_scenarios.SCENARIOS,
        (" {id}: from=", ", size={size}, "),
    ),
}
