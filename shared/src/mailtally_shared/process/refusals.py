"""A Redis that is there but cannot work now: told from one that does not answer."""

from __future__ import annotations

import re

from redis import exceptions

#: Out of memory, failing disk, read-only replica, loading: all call for waiting, none for giving
#: up. redis-py has a class for some of them and leaves the code in the text of others.
_CODES = ("OOM", "MISCONF", "READONLY", "LOADING", "MASTERDOWN", "CLUSTERDOWN", "NOREPLICAS")
_TYPES = (
    exceptions.OutOfMemoryError,
    exceptions.ReadOnlyError,
    exceptions.BusyLoadingError,
    exceptions.MasterDownError,
    exceptions.ClusterDownError,
    # The operator gives the right, and it goes on.
    exceptions.NoPermissionError,
)
_OF_PIPELINE = " of pipeline caused error: "
#: Before version 7, Redis tells the refusal of a script's command in other words.
_OF_SCRIPT = re.compile(r"^Error running script .*?: -(?=[A-Z]+ )", re.DOTALL)


def passing_refusal(error: BaseException) -> str | None:
    """The server's own words if it refuses for a reason that passes; None of any other error.

    What redis-py and Lua put around the words is left out, and so is the full stop.
    """
    said = _OF_SCRIPT.sub("", str(error).rpartition(_OF_PIPELINE)[2]).rstrip(".")
    return said if isinstance(error, _TYPES) or said.startswith(_CODES) else None
