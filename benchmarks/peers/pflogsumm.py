"""pflogsumm on the same deliveries as Postfix would log them."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from benchmarks.peers.outside import tell_seen, watch

_DELIVERED = re.compile(r"^ *(\d+) +delivered", re.MULTILINE)

if __name__ == "__main__":
    log = Path(sys.argv[1])
    with log.open(encoding="ascii") as lines:
        sent = sum("status=sent" in line for line in lines)
    seen, told = watch(["pflogsumm", log])
    found = _DELIVERED.search(told)
    # From a million on it rounds what it shows.
    tell_seen(seen, counted=int(found[1]) if found else 0, expected=sent)
