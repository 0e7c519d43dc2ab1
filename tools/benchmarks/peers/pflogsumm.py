"""pflogsumm on the same deliveries in Postfix's log format."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from tools.benchmarks.peers.outside import tell_seen, watch

_DELIVERED = re.compile(r"^ *(\d+) +delivered", re.MULTILINE)

if __name__ == "__main__":
    log = Path(sys.argv[1])
    with log.open(encoding="ascii") as lines:
        sent = sum("status=sent" in line for line in lines)
    seen, told = watch(["pflogsumm", log])
    found = _DELIVERED.search(told)
    # It rounds figures from a million on.
    tell_seen(seen, counted=int(found[1]) if found else 0, expected=sent)
