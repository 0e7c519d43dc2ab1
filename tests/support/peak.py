"""The memory that some work takes at its peak, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
import textwrap

_FRAME = """
import re
from pathlib import Path
def status(name):
    text = Path("/proc/self/status").read_text()
    return int(re.search(name + r":\\s+(\\d+) kB", text)[1]) * 1024
{setup}
Path("/proc/self/clear_refs").write_text("5")  # the peak is then what is held now
before = status("VmRSS")
{work}
print(status("VmHWM") - before)
"""


def peak_of(setup: str, work: str) -> int:
    """Bytes by which a fresh process grows at most while ``work`` runs after ``setup``."""
    code = _FRAME.format(setup=textwrap.dedent(setup), work=textwrap.dedent(work))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)
