"""The middle of a line: ``sender|recipient``, and what follows from it: service and domain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mailtally_collector.machine.marks import Bytes, compiled
from mailtally_collector.parse.names import index_of
from mailtally_collector.parse.reasons import Reason
from mailtally_collector.parse.scanning import PIPE, byte_at, find
from mailtally_collector.parse.words import WORD, first_bytes, last_bytes, literal, same, word_at
from mailtally_shared.columns import Service

if TYPE_CHECKING:
    from mailtally_collector.parse.page import Page

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

IMAP_AT: Final = literal(b"imap@")
POP3_AT: Final = literal(b"pop3@")
MAILBOX: Final = len(b"imap@")
WEB: Final = literal(b"web")
LIST: Final = literal(b"maillist")
ANGLES: Final = literal(b"<>")


@compiled
def read_addresses(data: Bytes, start: int, pipes: int, row: int, page: Page) -> int:
    """Write down the service and the name charged; gives 0, or a negated reason.

    ``page.pipe[:pipes]`` are those in and between the addresses, the next is where they end.
    """
    end = page.pipe[pipes]
    split = page.pipe[0] if pipes == 1 else only_unquoted_pipe(data, start, end)
    if split < 0:
        return -BAD_ADDRESSES
    if row < len(page.addresses.split):
        note(start, split, end, row, page)
    name, name_end = charged(data, start, split, end, row, page)
    if name < name_end and byte_at(data, name) == BRACKET:  # an address literal
        name, name_end = host_of(row, page)
    if name == name_end:
        return -BAD_DOMAIN
    page.domain[row] = index_of(name, name_end, page.domains)
    return 0


@compiled
def note(sender: int, split: int, end: int, row: int, page: Page) -> None:
    """Write down where the addresses are, and the direction, which ``charged`` writes over."""
    page.addresses.outgoing[row] = page.service[row] == SMTP_OUT
    page.addresses.sender[row] = sender
    page.addresses.split[row] = split
    page.addresses.end[row] = end


@compiled
def only_unquoted_pipe(data: Bytes, start: int, end: int) -> int:
    """The only ``|`` outside double quotes; -1 where there is not one, or a quote stays open."""
    split = -1
    quoted = False
    i = start
    while i < end:
        byte = byte_at(data, i)
        if byte == QUOTE:
            quoted = not quoted
        elif quoted:
            i += byte == BACKSLASH  # it escapes the next byte
        elif byte == PIPE:
            if split >= 0:
                return -1
            split = i
        i += 1
    return -1 if quoted else split


@compiled
def charged(  # noqa: PLR0917 - two ranges side by side are three offsets
    data: Bytes, sender: int, split: int, end: int, row: int, page: Page
) -> tuple[int, int]:
    """The range of the name that is charged, empty where there is none; settles the service."""
    recipient = split + 1
    mailbox = mailbox_service(sender, split, recipient, end, page)
    if mailbox >= 0:
        page.service[row] = mailbox
        return account_domain(sender + MAILBOX, split, page)
    mailbox = mailbox_service(recipient, end, sender, split, page)
    if mailbox >= 0:
        page.service[row] = mailbox
        return account_domain(recipient + MAILBOX, end, page)
    list_name = after_web_maillist(split, page)
    if list_name >= 0:
        page.service[row] = MAILLIST
        return list_domain(data, list_name, split, end, page)
    if page.service[row] != SMTP_OUT:
        return address_domain(recipient, end, page)
    if is_null(sender, split, page):
        return host_of(row, page)
    return address_domain(sender, split, page)


@compiled
def mailbox_service(start: int, end: int, other: int, other_end: int, page: Page) -> int:
    """IMAP or POP3 where the address is ``imap@ACCOUNT`` or ``pop3@ACCOUNT``, else -1.

    A person's address may look so, too (``imap@example.com``): only an account with a domain
    of its own, or another address that says nothing else, tells them apart.
    """
    mailbox = first_bytes(word_at(page.words, start), MAILBOX)
    if mailbox != IMAP_AT and mailbox != POP3_AT:  # noqa: PLR1714 - numba has no set of words
        return -1
    service = IMAP if mailbox == IMAP_AT else POP3
    account = start + MAILBOX
    certain = (
        last_at(account, end, page) >= 0
        or other == other_end
        or same(page.words, account, end, other, other_end)
        or same(page.words, start, end, other, other_end)
    )
    return service if certain else -1


@compiled
def account_domain(start: int, end: int, page: Page) -> tuple[int, int]:
    """What follows the last ``@``; all of it where there is none."""
    return max(start, last_at(start, end, page) + 1), end


@compiled
def address_domain(start: int, end: int, page: Page) -> tuple[int, int]:
    """What follows the last ``@``; nothing where there is none."""
    at = last_at(start, end, page)
    return (at + 1 if at >= 0 else end), end


@compiled
def last_at(start: int, end: int, page: Page) -> int:
    """Where the last ``@`` of a range is; -1 where there is none."""
    found: int = -1
    k = 0
    while page.at[k] < end:
        if page.at[k] >= start:
            found = page.at[k]
        k += 1
    return found


@compiled
def after_web_maillist(sender_end: int, page: Page) -> int:
    """Where the first ``web@maillist`` of the sender ends; -1 where there is none."""
    k = 0
    while page.at[k] < sender_end:
        at: int = page.at[k]
        name = at + 1
        if word_at(page.words, name) == LIST and last_bytes(page.words, at, 3) == WEB:
            return name + WORD
        k += 1
    return -1


@compiled
def list_domain(data: Bytes, start: int, split: int, end: int, page: Page) -> tuple[int, int]:
    """The domain in what follows ``web@maillist``, else the recipient's.

    It is what follows its last ``@``; without one, all of it past leading dots and dashes, if
    there is a dot in that.
    """
    domain, _ = address_domain(start, split, page)
    if last_at(start, split, page) < 0:
        while start < split and (byte_at(data, start) == DOT or byte_at(data, start) == DASH):
            start += 1
        domain = start if find(data, DOT, start, split) >= 0 else split
    if domain < split:
        return domain, split
    return address_domain(split + 1, end, page)


@compiled
def is_null(start: int, end: int, page: Page) -> bool:
    """Whether it is the null sender. Its third form, ``#@[]``, is an address literal already."""
    return start == end or (end - start == 2 and last_bytes(page.words, end, 2) == ANGLES)  # noqa: PLR2004 - of ANGLES


@compiled
def host_of(row: int, page: Page) -> tuple[int, int]:
    """Where the line's host stands, in the line that named it first."""
    host = page.host[row]
    return page.hosts.start[host], page.hosts.end[host]
