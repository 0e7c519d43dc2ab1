"""Traffic log lines for property tests: made by the grammar, then damaged."""

from __future__ import annotations

from hypothesis import strategies as st

DOMAINS = (
    b"example.com",
    b"EXAMPLE.Com",
    b"example.com.",
    b"example.com..",
    b"a_b-c.example.net",
    b".",
    b"..",
    b"",
    b"-",
    b"exa mple.com",
    b"exa:mple.com",
    b"[192.0.2.1]",
    b"[192.0.2.1",
    b"[]",
    "bücher.example".encode(),
    "BÜCHER.example.".encode(),
    b"xn--bcher-kva.example",
    "bücher.example。".encode(),
    "\u00ad".encode(),
    "℀.example".encode(),
    "ß.example".encode(),
    b"\xff.example",
    "b\u00fc_cher.example".encode(),
    b"d" * 253,
    b"d" * 254,
    b"d" * 253 + b".",
    "ü".encode() * 40,
    "ü".encode() * 600,
)
LOCAL_PARTS = (
    b"bob",
    b"",
    b"imap",
    b"pop3",
    b"IMAP",
    b"#",
    b'"a|b"',
    b'"a\\"|b"',
    b'"a|b',
    b'a"|"b',
    b"a|b",
    b"\\",
    b'"\\',
    b"web",
    b"xweb",
    b"we",
)
WHOLE_ADDRESSES = (
    b"",
    b"<>",
    b"#@[]",
    b"root",
    b"imap@",
    b"pop3@",
    b"imap@bob",
    b"pop3@bob",
    b"pop3@bob",
    b"pop3@bob@example.org",
    b"bob",
    b"bob",
    b"imap@bob@example.com",
    b"pop3@bob@",
    b"imap@[192.0.2.1]",
    b"imap@example.com",
    b"pop3@example.com",
    b"imap@pop3@x",
    b"web@maillist",
    b"web@maillist.example.com",
    b"web@maillist-list.example.com",
    b"web@maillist-list",
    b"web@maillist-list@example.org",
    b"web@maillist@",
    b"web@maillist@[192.0.2.1]",
    b"web@web@maillist@example.org",
    b"web@maillistweb@maillist.example.org",
    b"a.web@maillist..-.example.org",
    b'"web@maillist"@example.org',
    b"web@maillis",
    b"eb@maillist.example.org",
)
NUMBERS = (
    b"0",
    b"1",
    b"2",
    b"007",
    b"69",
    b"1119280814",
    b"9007199254740991",
    b"9007199254740992",
    b"1024",
    b"1025",
    b"2147483647",
    b"2147483648",
    b"253402214399",
    b"253402214400",
    b"9" * 30,
    b"0" * 40 + b"5",
    b"",
    b"-1",
    b"+1",
    b"1 ",
    b"1.0",
    b"\xb2",
)
STATUSES = (
    b"success",
    b"timeout",
    b"rejspam",
    b"novel",
    b"Success",
    b"other",
    b"12",
    b"a@b",
    b"",
    b"two words",
    b"s" * 32,
    b"s" * 33,
    b"\x7f",
    b"caf\xe9",
)
HOSTS = (
    b"mail.example.com",
    b"MAIL.example.com",
    b"mx1.example.net",
    b"mx1.example.net.",
    b"2001:db8::1",
    b"h" * 254,
    b"h" * 255,
    b"h" * 256,
    b"",
    b"ma!l",
)
DATES = (
    b"Jun 20 18:20:14",
    b"Jun  2 18:20:14",
    b"Jun 02 18:20:14",
    b"Xxx 99 99:99:99",
    b"Jun 2 18:20:14",
    b"J1n 20 18:20:14",
    b"Jun 20 18.20:14",
    b"Jun  20 18:20:14",
    b"Jun 20 18:20:1",
    b"",
)
TYPES = (b"in", b"out", b"IN", b"inn", b"")
PIDS = (b"[1]", b"[16723]", b"[]", b"[a]", b"[1", b"1]", b"")

addresses = st.one_of(
    st.builds(
        lambda local, name: local + b"@" + name,
        st.sampled_from(LOCAL_PARTS),
        st.sampled_from(DOMAINS),
    ),
    st.sampled_from(WHOLE_ADDRESSES),
    st.binary(max_size=12),
)


def mostly(usual: bytes, others: tuple[bytes, ...]) -> st.SearchStrategy[bytes]:
    """``usual`` far more often than not, so that most lines reach the later checks."""
    return st.sampled_from((usual,) * (30 * len(others)) + others)


@st.composite
def built_lines(draw: st.DrawFn) -> bytes:
    """A line by the grammar, each part of it now and then an odd or wrong one."""
    numbers = st.sampled_from(NUMBERS)
    fields = [
        draw(mostly(b"1119280814", NUMBERS)),
        draw(addresses),
        draw(addresses),
        draw(mostly(b"5120", NUMBERS) if draw(st.booleans()) else numbers),
        draw(mostly(b"success", STATUSES) if draw(st.booleans()) else st.sampled_from(STATUSES)),
        *draw(st.lists(numbers, max_size=1)),
    ]
    return b"".join(
        (
            draw(mostly(b"Jun 20 18:20:14", DATES)),
            draw(mostly(b" ", (b"", b"  ", b"\t"))),
            draw(
                mostly(b"mail.example.com", HOSTS)
                if draw(st.booleans())
                else st.sampled_from(HOSTS)
            ),
            draw(mostly(b" ", (b"", b"  ", b"\t"))),
            draw(st.sampled_from((b"in", b"out") * 30 + TYPES)),
            draw(mostly(b"[16723]", PIDS)),
            draw(mostly(b": ", (b":", b" ", b"", b":  "))),
            b"|".join(fields),
            draw(mostly(b"", (b"\r", b"\r\r", b"|", b"\0"))),
        )
    )


@st.composite
def damaged_lines(draw: st.DrawFn) -> bytes:
    """A built line with some of its bytes cut out, doubled or replaced."""
    line = draw(built_lines())
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(line)))
        end = min(len(line), start + draw(st.integers(0, 3)))
        line = (
            line[:start]
            + draw(damage)
            + draw(st.sampled_from((b"", line[start:end] * 2)))
            + line[end:]
        )
    return line


damage = st.one_of(
    st.sampled_from((b"", b"|", b'"', b"\\", b"\r", b"\0", b"@", b" ", b"7", b"[", b"]", b"\xc3")),
    st.binary(max_size=3),
)

#: A line whose length is about the limit, well-formed or not, with its fault far behind.
long_lines = st.builds(
    lambda length, tail: (
        b"Jun 20 18:20:14 mail.example.com in[1]: 5|a@example.com|"
        + b"b" * (length - 60 - len(tail))
        + tail
    ),
    st.integers(65_500, 65_600),
    st.sampled_from((b"@example.com|1|success", b"@example.com|1|success\r", b"\0", b"|")),
)

lines = st.one_of(
    built_lines(), built_lines(), built_lines(), damaged_lines(), st.binary(max_size=40)
)

chunks = st.lists(lines, max_size=8).map(lambda several: b"".join(line + b"\n" for line in several))
