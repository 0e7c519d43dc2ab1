"""Lines of qmail's log, made by hypothesis: few numbers and names, so that they meet often."""

from __future__ import annotations

from hypothesis import strategies as st

_number = st.sampled_from(
    [b"1", b"2", b"3", b"07", b"288230376151711744", b"288230376151711745", b""]
)
_address = st.sampled_from(
    [
        *(
            b"a@example.com",
            b"example.com-b@Example.COM.",
            b"c@[192.0.2.1]",
            b"nobody",
            b"",
            b"#@[]",
        ),
        *(b"d@x y.example", b"e>f@example.org", b"\xc3\xa4@\xc3\xbc.example", b"g@bad/name", b"h@"),
    ]
)
_text = st.one_of(
    st.builds(b"new msg %b".__mod__, _number),
    st.builds(b"end msg %b".__mod__, _number),
    st.builds(
        lambda n, size, sender, tail: b"info msg %b: bytes %b from <%b%b" % (n, size, sender, tail),
        _number,
        st.sampled_from([b"1", b"5000", b"9007199254740991", b"9007199254740992", b"x"]),
        _address,
        st.sampled_from([b"> qp 1 uid 2", b"> qp 1 uid 2", b"> qp 1 uid 2 more", b"> qp", b""]),
    ),
    st.builds(
        lambda d, n, to, address: b"starting delivery %b: msg %b to %b%b" % (d, n, to, address),
        _number,
        _number,
        st.sampled_from([b"local ", b"remote ", b"nowhere "]),
        _address,
    ),
    st.builds(
        lambda d, outcome: b"delivery %b: %b" % (d, outcome),
        _number,
        st.sampled_from(
            [
                *(b"success: ok/", b"failure: no/", b"deferral: later/", b"success: "),
                *(b"report mangled, will defer", b"success", b"outcome: ?"),
            ]
        ),
    ),
    st.sampled_from(
        [b"status: local 0/10 remote 1/20", b"bounce msg 1 qp 2", b"", b"delivery", b"x"]
    ),
)
_stamp = st.one_of(
    st.sampled_from(
        [
            b"@4000000038c3eeb027f6b0a4 ",
            b"@4000000038c3eeb127f6b0a4 ",
            b"@400000000000000900000000 ",
            b"@40000000000000xx00000000 ",
            b"@ffffffffffffffff00000000 ",
            b"@4000000038c3eeb027f6b0a4",
        ]
    ),
    st.builds(
        lambda date, host, program, seconds: date + host + program + seconds,
        st.sampled_from([b"Sep 14 09:58:09 ", b"Sep  4 09:58:09 ", b"Sep 14 09:58 "]),
        st.sampled_from([b"mail.example.com ", b"Mail.Example.COM ", b"h2 ", b"bad/host ", b""]),
        st.sampled_from(
            [b"qmail: ", b"qmail: ", b"qmail[12]: ", b"qmail[]: ", b"spamd[1]: ", b"q"]
        ),
        st.sampled_from(
            [
                *(b"1063526289.292776 ", b"1063526290.29 ", b"1063526290 ", b"1063526290. "),
                *(b"253402214400.1 ", b"1063526289.292776+", b"x "),
            ]
        ),
    ),
)
#: Stamps that are always good, so that more of the text is looked at.
_good_stamp = st.sampled_from(
    [b"@4000000038c3eeb027f6b0a4 ", b"Sep 14 09:58:09 mail.example.com qmail: 1063526289.292776 "]
)

lines = st.builds(
    lambda stamp, text, end: (stamp + text + end).replace(b"\n", b"") + b"\n",
    st.one_of(_good_stamp, _good_stamp, _stamp),
    _text,
    st.sampled_from([b"", b"", b"", b"\r", b"\0"]),
)
chunks = st.lists(lines, min_size=1, max_size=40)
