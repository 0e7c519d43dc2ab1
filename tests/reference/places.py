"""Where a next host stands: on this machine, inside the cluster, or elsewhere (FORMATS 1.1)."""

from __future__ import annotations

import ipaddress
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.reference.settings import Settings


def address_of(text: bytes) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return an IP address; one of IPv4 written in IPv6 is the former."""
    text = text.lower().removeprefix(b"ipv6:")
    try:
        address = ipaddress.ip_address(text.decode("ascii"))
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped if isinstance(mapped, ipaddress.IPv4Address) else address


def is_loopback(address: bytes) -> bool:
    """Return whether an address is this machine's; the path of a socket is."""
    found = address_of(address)
    return b"/" in address or bool(found and found.is_loopback)


def is_inside(settings: Settings, name: bytes, address: bytes) -> bool:
    """Return whether a host is loopback or one that the setting ``inside`` has."""
    if is_loopback(address):
        return True
    found = address_of(address)
    for entry in settings.inside:
        if entry.lower().encode() == name.lower().removesuffix(b"."):
            return True
        with suppress(ValueError):
            network = ipaddress.ip_network(entry, strict=False)
            if found is not None and found in network:
                return True
    return False


def is_hosted(settings: Settings, domain: str) -> bool:
    """Return whether a list of hosted domains has a domain or a parent of it."""
    labels = domain.split(".")
    parents = {".".join(labels[start:]) for start in range(len(labels))}
    return settings.hosted is not None and not parents.isdisjoint(settings.hosted)
