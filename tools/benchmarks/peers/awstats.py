"""AWStats on the same deliveries, in the format of its own converter for mail logs."""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

from tools.benchmarks.peers.outside import tell_seen, watch

#: The configuration for mail of its manual.
_CONFIGURATION = """\
LogFile="{log}"
LogType=M
LogFormat="%time2 %email %email_r %host %host_r %method %url %code %bytesd"
LogSeparator=" "
SiteDomain="example.com"
HostAliases="example.com"
DirData="{data}"
DNSLookup=0
LevelForBrowsersDetection=0
LevelForOSDetection=0
LevelForRefererAnalyze=0
LevelForRobotsDetection=0
LevelForWormsDetection=0
LevelForSearchEnginesDetection=0
LevelForFileTypesDetection=0
"""
PROGRAM = "/usr/lib/cgi-bin/awstats.pl"
_FOUND = re.compile(r"Found (\d+) new qualified records")

if __name__ == "__main__":
    log = Path(sys.argv[1])
    with log.open("rb") as lines:
        expected = sum(1 for _ in lines)
    with tempfile.TemporaryDirectory(prefix="mailtally-bench-") as temp:
        settings = _CONFIGURATION.format(log=log, data=temp)
        (Path(temp) / "awstats.bench.conf").write_text(settings, "utf-8")
        seen, told = watch([PROGRAM, "-update", "-config=bench", f"-configdir={temp}"])
    found = _FOUND.search(told)
    tell_seen(seen, counted=int(found[1]) if found else 0, expected=expected)
