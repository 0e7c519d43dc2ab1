"""A service that another process of mailtally started ends with it, however that one ended.

The parent holds the other end of the pipe that is the child's standard input, and the kernel
closes it when the parent is gone, by kill -9 as well. It works on every Unix, and needs nothing
between fork and exec. (PR_SET_PDEATHSIG of Linux would fire when the *thread* ends that started
the child.)
"""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mailtally_shared.process.lifecycle import Stop

#: Set by the parent. No setting: a person's terminal or /dev/null is no such pipe.
VARIABLE = "_MAILTALLY_PARENT_AT_STDIN"
#: Seconds to finish what is in hand; then the process ends as if it were killed.
_GRACE = 10.0
_FAILED = 1


def stop_with_parent(stop: Stop) -> None:
    """Request ``stop`` when the parent is gone; without a parent of ours, do nothing."""
    if os.environ.get(VARIABLE):
        threading.Thread(target=_watch, args=(stop,), name="parent", daemon=True).start()


def _watch(stop: Stop) -> None:
    while os.read(0, 1):
        pass
    stop.request()
    time.sleep(_GRACE)
    os._exit(_FAILED)
