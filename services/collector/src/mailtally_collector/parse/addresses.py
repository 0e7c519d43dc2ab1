"""The middle of a line: ``sender|recipient``, and what follows from it: service and domain."""

from __future__ import annotations

from typing import Final

from mailtally_collector.parse.machine import Bytes, compiled
from mailtally_collector.parse.names import DOMAIN, index_of
from mailtally_collector.parse.page import Page
from mailtally_collector.parse.reasons import Reason
from mailtally_collector.parse.scanning import (
    AT,
    PIPE,
    byte_at,
    find,
    find_last,
    has,
    same,
    spelled,
)
from mailtally_shared.columns import Service

BAD_ADDRESSES: Final = int(Reason.BAD_ADDRESSES)
BAD_DOMAIN: Final = int(Reason.BAD_DOMAIN)
SMTP_OUT: Final = int(Service.SMTP_OUT)
POP3: Final = int(Service.POP3)
IMAP: Final = int(Service.IMAP)
MAILLIST: Final = int(Service.MAILLIST)

QUOTE: Final = ord('"')
BACKSLASH: Final = ord("\\")
DASH: Final = ord("-")
DOT: Final = ord(".")
BRACKET: Final = ord("[")

IMAP_AT: Final = spelled(b"imap@")
POP3_AT: Final = spelled(b"pop3@")
WEB: Final = spelled(b"web")
AT_MAILLIST: Final = spelled(b"@maillist")
ANGLES: Final = spelled(b"<>")


@compiled
def read_addresses(data: Bytes, start: int, end: int, row: int, page: Page) -> int:
    """Write down the service and the domain charged; gives 0, or a negated reason."""
    split = between_addresses(data, start, end)
    if split < 0:
        return -BAD_ADDRESSES
    name, name_end = charged(data, start, split, end, row, page)
    if name < name_end and byte_at(data, name) == BRACKET:
        name, name_end = host_of(row, page)
    if name == name_end:
        return -BAD_DOMAIN
    domain = index_of(data, name, name_end, DOMAIN, page.key, page.domains)
    if domain < 0:
        return -BAD_DOMAIN
    page.domain[row] = domain
    return 0


@compiled
def between_addresses(data: Bytes, start: int, end: int) -> int:
    """The only ``|``, or else the only one outside quotes; -1 where there is no such."""
    first = find(data, PIPE, start, end)
    if find(data, PIPE, first + 1, end) < 0:
        return first
    return only_unquoted_pipe(data, start, end)


@compiled
def only_unquoted_pipe(data: Bytes, start: int, end: int) -> int:
    """The only ``|`` outside double quotes; -1 where there is not one, or a quote stays open."""
    split = -1
    quoted = False
    i = start
    while i < end:
        if byte_at(data, i) == QUOTE:
            quoted = not quoted
        elif quoted:
            i += byte_at(data, i) == BACKSLASH  # it escapes the next byte
        elif byte_at(data, i) == PIPE:
            if split >= 0:
                return -1
            split = i
        i += 1
    return -1 if quoted else split


@compiled
def charged(
    data: Bytes, sender: int, split: int, end: int, row: int, page: Page
) -> tuple[int, int]:
    """The range of the name that is charged, empty where there is none; settles the service."""
    recipient = split + 1
    mailbox = mailbox_service(data, sender, split, recipient, end)
    if mailbox >= 0:
        page.service[row] = mailbox
        return account_domain(data, sender + len(IMAP_AT), split)
    mailbox = mailbox_service(data, recipient, end, sender, split)
    if mailbox >= 0:
        page.service[row] = mailbox
        return account_domain(data, recipient + len(IMAP_AT), end)
    list_name = after_web_maillist(data, sender, split)
    if list_name >= 0:
        page.service[row] = MAILLIST
        return list_domain(data, list_name, split, recipient, end)
    if page.service[row] != SMTP_OUT:
        return address_domain(data, recipient, end)
    if is_null(data, sender, split):
        return host_of(row, page)
    return address_domain(data, sender, split)


@compiled
def mailbox_service(data: Bytes, start: int, end: int, other: int, other_end: int) -> int:
    """IMAP or POP3 where the address is ``imap@ACCOUNT`` or ``pop3@ACCOUNT``, else -1.

    A person's address may look so, too (``imap@example.com``): only an account with a domain
    of its own, or another address that says nothing else, tells them apart.
    """
    if has(data, start, end, IMAP_AT):
        service = IMAP
    elif has(data, start, end, POP3_AT):
        service = POP3
    else:
        return -1
    account = start + len(IMAP_AT)
    sure = (
        find(data, AT, account, end) >= 0
        or other == other_end
        or same(data, account, end, other, other_end)
        or same(data, start, end, other, other_end)
    )
    return service if sure else -1


@compiled
def after_web_maillist(data: Bytes, start: int, end: int) -> int:
    """Where the first ``web@maillist`` of the sender ends, -1 where there is none."""
    at = find(data, AT, start, end)
    while at >= 0:
        web = at - len(WEB)
        if web >= start and has(data, at, end, AT_MAILLIST) and has(data, web, at, WEB):
            return at + len(AT_MAILLIST)
        at = find(data, AT, at + 1, end)
    return -1


@compiled
def address_domain(data: Bytes, start: int, end: int) -> tuple[int, int]:
    """What follows the last ``@``; nothing where there is none."""
    at = find_last(data, AT, start, end)
    return (at + 1 if at >= 0 else end), end


@compiled
def account_domain(data: Bytes, start: int, end: int) -> tuple[int, int]:
    """What follows the last ``@``; all of it where there is none."""
    at = find_last(data, AT, start, end)
    return (at + 1 if at >= 0 else start), end


@compiled
def list_domain(
    data: Bytes, start: int, end: int, recipient: int, recipient_end: int
) -> tuple[int, int]:
    """The domain in what follows ``web@maillist``, else the recipient's.

    It is what follows its last ``@``, or, without one, all of it past leading dots and dashes
    where a dot is left in that.
    """
    domain, _ = address_domain(data, start, end)
    if find(data, AT, start, end) < 0:
        while start < end and (byte_at(data, start) == DOT or byte_at(data, start) == DASH):
            start += 1
        domain = start if find(data, DOT, start, end) >= 0 else end
    if domain < end:
        return domain, end
    return address_domain(data, recipient, recipient_end)


@compiled
def is_null(data: Bytes, start: int, end: int) -> bool:
    """Whether it is the null sender. A third form, ``#@[]``, is an address literal already."""
    return start == end or (end - start == len(ANGLES) and has(data, start, end, ANGLES))


@compiled
def host_of(row: int, page: Page) -> tuple[int, int]:
    """Where the line's host stands, in the line that named it first."""
    host = page.host[row]
    return page.hosts.start[host], page.hosts.end[host]
