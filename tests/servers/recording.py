"""Record what servers log and what is true of it, for tests of parsers that have no servers.

``recorded/SERVER-SCENARIO.log`` has ISO stamps, and ``framing`` makes the other forms of it, unless
the server wrote it itself (``exim-…``, ``postlog-…``): that is its own form. What was rotated
meanwhile is in ``….log.1``. ``….json`` next to it has the truth, the sizes of messages by queue id
and the servers' versions.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.servers.truth import Outcome

RECORDED = Path(__file__).parent / "recorded"

#: Names and addresses that a recorded log may have; everything else would tell of this machine.
_RESERVED = re.compile(
    r"(?:[\w-]+\.)*(?:example(?:\.(?:com|net|org))?|localhost)|127\.0\.0\.1|192\.0\.2\.10"
    r"|198\.51\.100\.7|203\.0\.113\.25"
)
_HOST = re.compile(r"(?<=@)[A-Za-z0-9.-]+|\b\d{1,3}(?:\.\d{1,3}){3}\b")


def record(name: str, version: str, logs: list[Path], outcome: Outcome) -> None:
    """Write the logs, the newest last, and the truth of a scenario."""
    RECORDED.mkdir(exist_ok=True)
    for number, log in enumerate(reversed(logs)):
        text = log.read_text("utf-8", "backslashreplace")
        assert not strangers(text), strangers(text)
        suffix = f".{number}" if number else ""
        (RECORDED / f"{name}.log{suffix}").write_text(text, "utf-8")
    truth = {
        "servers": version,
        "truth": outcome.truth.rows(),
        "sizes": outcome.sizes,
    }
    text = json.dumps(truth, indent=1, ensure_ascii=False, sort_keys=True)
    (RECORDED / f"{name}.json").write_text(f"{text}\n", "utf-8")


def strangers(text: str) -> set[str]:
    """Return the hosts and addresses of a log that are not reserved for examples."""
    return {host for host in _HOST.findall(text) if not _RESERVED.fullmatch(host.rstrip("."))}
