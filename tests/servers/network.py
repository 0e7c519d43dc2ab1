"""A network of the laboratory's own, in which documentation addresses are on the loopback device.

Servers can have the ports that they have in life, and foreign hosts have foreign addresses, which
readers of logs judge by. Nothing of it is seen outside.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.servers.missing import missing

if TYPE_CHECKING:
    from collections.abc import Iterator

#: All of 192.0.2.0/24, 198.51.100.0/24 and 203.0.113.0/24 are this machine.
SERVER = "192.0.2.10"
FOREIGN = "203.0.113.25"
CLIENT = "198.51.100.7"

_CLONE_NEWNET = 0x40000000
_SIOCSIFFLAGS, _SIOCSIFADDR, _SIOCSIFNETMASK = 0x8914, 0x8916, 0x891C
_IFF_UP_RUNNING = 0x1 | 0x40


@contextmanager
def own_network() -> Iterator[None]:
    """Put this thread, and the threads and processes that it starts, into a new network."""
    if os.geteuid() != 0:
        missing("a network of its own", "only root can make one")
    libc = ctypes.CDLL(None, use_errno=True)
    with Path("/proc/thread-self/ns/net").open("rb") as former:
        if libc.unshare(_CLONE_NEWNET):
            missing("a network of its own", os.strerror(ctypes.get_errno()))
        try:
            _bring_up()
            yield
        finally:
            if libc.setns(former.fileno(), _CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "cannot go back to the former network")


def _bring_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        flags = struct.pack("16sh14x", b"lo", _IFF_UP_RUNNING)
        fcntl.ioctl(asked, _SIOCSIFFLAGS, flags)
        for number, address in enumerate((SERVER, FOREIGN, CLIENT)):
            label = f"lo:{number}".encode()
            fcntl.ioctl(asked, _SIOCSIFADDR, _named_address(label, address))
            fcntl.ioctl(asked, _SIOCSIFNETMASK, _named_address(label, "255.255.255.0"))


def _named_address(label: bytes, address: str) -> bytes:
    """The C structure ``ifreq`` with a ``sockaddr_in``."""
    return struct.pack("16sHH4s8x", label, socket.AF_INET, 0, socket.inet_aton(address))
