"""GoAccess with a log format for bytes by domain, on the same lines as the others.

It counts the sender's domain, which every line has; the charged one depends on the direction, which
its formats cannot express.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from tools.benchmarks.peers.outside import logged, tell_seen, watch

_OPTIONS = (
    "--no-global-config",
    "--log-format=%^:%^:%^ %h %^]: %x|%U@%v|%^|%b|%^",
    "--datetime-format=%s",
    "--date-format=%s",
    "--time-format=%s",
    "--no-ip-validation",
    "--no-progress",
    "--no-parsing-spinner",
)

if __name__ == "__main__":
    log = Path(sys.argv[1])
    with tempfile.TemporaryDirectory(prefix="mailtally-bench-") as temp:
        report = Path(temp) / "report.json"
        seen, _ = watch(["goaccess", log, *_OPTIONS, "-o", report])
        counted = json.loads(report.read_bytes())["vhosts"]["metadata"]["bytes"]["total"]["value"]
    tell_seen(seen, counted=counted, expected=logged(log, column=3, separator="|"))
