"""Error answers of Redis and of a broker: wait, or refuse. Pure.

A condition that can be corrected at the server while this process runs, such as a missing login
or right, is waited for. A condition that needs other settings of this process is refused.
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
    # The operator grants the right or corrects the password, and the next attempt succeeds.
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
#: Before version 7, Redis reports a refused command of a script in other words.
_OF_SCRIPT = re.compile(r"^Error running script .*?: -(?=[A-Z]+ )", re.DOTALL)
#: The answer of RabbitMQ where the queue exists with other properties.
_OTHER_QUEUE = re.compile(r"inequivalent arg|PRECONDITION_FAILED.*(?:x-|durable|exclusive)")


def passing_refusal(error: BaseException) -> str | None:
    """Return the server's message if its refusal may pass; ``None`` for any other error.

    The text that redis-py and Lua add is removed, and so is the full stop.
    """
    said = _said(error)
    if isinstance(error, exceptions.NoPermissionError) or said.startswith("NOPERM"):
        return f"{said} (make its ACL file again, with the make-acl of this version)"
    return said if isinstance(error, _PASSING_TYPES) or said.startswith(_PASSING) else None


def lasting_refusal(error: BaseException) -> str | None:
    """Return a lasting fault of a Redis and its remedy; ``None`` for any other error."""
    said = _said(error)
    for kind, sentence in _LASTING_TYPES.items():
        if isinstance(error, kind):
            return sentence
    return next((sentence for code, sentence in _LASTING.items() if said.startswith(code)), None)


def refused_by_broker(error: BaseException) -> str | None:
    """Return a lasting fault of a broker and its remedy; ``None`` for any other error."""
    if _OTHER_QUEUE.search(str(error)):
        return (
            "the queue mailtally.batches exists with other properties: delete it, and it is "
            "created again; the batches announced in it are sent again"
        )
    return lasting_refusal(error)


def _said(error: BaseException) -> str:
    return (
        _OF_SCRIPT.sub("", str(error).rpartition(_OF_PIPELINE)[2]).removeprefix("ERR ").rstrip(".")
    )
