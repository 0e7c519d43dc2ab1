"""What a Redis or a broker that answers, but not as wished, means: wait for it, or refuse. Pure.

Waited for is whatever can be mended at the server while this process runs, a login or a right that
is lacking among it. Refused is what other settings here are needed for.
"""

from __future__ import annotations

import re

from redis import exceptions

#: Out of memory, failing disk, read-only replica, loading, and the like. redis-py has a class for
#: some of them and leaves the code in the text of others.
_PASSING = (
    *("OOM", "MISCONF", "READONLY", "LOADING", "MASTERDOWN", "CLUSTERDOWN", "NOREPLICAS"),
    *("TRYAGAIN", "BUSY ", "NOAUTH", "WRONGPASS", "NOPERM", "UNKILLABLE"),
    *("max number of clients", "FAILOVER"),
)
_PASSING_TYPES = (
    exceptions.OutOfMemoryError,
    exceptions.ReadOnlyError,
    exceptions.BusyLoadingError,
    exceptions.MasterDownError,
    exceptions.ClusterDownError,
    exceptions.TryAgainError,
    # The operator gives the right, or the password, and it goes on.
    exceptions.NoPermissionError,
    exceptions.AuthenticationError,
    exceptions.AuthenticationWrongNumberOfArgsError,
)
_CLUSTER = "it is a node of a Redis Cluster: name one server, or one behind Sentinel"
_LASTING = {
    "MOVED": _CLUSTER,
    "ASK ": _CLUSTER,
    "CROSSSLOT": _CLUSTER,
    "SELECT is not allowed in cluster mode": _CLUSTER,
    "DB index is out of range": "it has no database of that number: name another in the URL",
    "invalid DB index": "its databases have numbers: end the URL with one, such as /0",
}
_LASTING_TYPES = {
    exceptions.AskError: _CLUSTER,  # and MovedError
    exceptions.ClusterCrossSlotError: _CLUSTER,
}
_OF_PIPELINE = " of pipeline caused error: "
#: Before version 7, Redis tells the refusal of a script's command in other words.
_OF_SCRIPT = re.compile(r"^Error running script .*?: -(?=[A-Z]+ )", re.DOTALL)
#: What RabbitMQ answers where a queue of our name is there and of another kind.
_OTHER_QUEUE = re.compile(r"inequivalent arg|PRECONDITION_FAILED.*(?:x-|durable|exclusive)")


def passing_refusal(error: BaseException) -> str | None:
    """The server's own words if it refuses for a reason that passes; None of any other error.

    What redis-py and Lua put around the words is left out, and so is the full stop.
    """
    said = _said(error)
    return said if isinstance(error, _PASSING_TYPES) or said.startswith(_PASSING) else None


def lasting_refusal(error: BaseException) -> str | None:
    """Return what is wrong with a Redis that no waiting mends, and what to do; else ``None``."""
    said = _said(error)
    for kind, sentence in _LASTING_TYPES.items():
        if isinstance(error, kind):
            return sentence
    return next((sentence for code, sentence in _LASTING.items() if said.startswith(code)), None)


def refused_by_broker(error: BaseException) -> str | None:
    """Return the same of a broker."""
    if _OTHER_QUEUE.search(str(error)):
        return (
            "a queue mailtally.batches of another kind is there: remove it, and it is made as it "
            "must be; what was in it is sent again"
        )
    return lasting_refusal(error)


def _said(error: BaseException) -> str:
    return (
        _OF_SCRIPT.sub("", str(error).rpartition(_OF_PIPELINE)[2]).removeprefix("ERR ").rstrip(".")
    )
