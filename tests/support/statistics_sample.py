"""A small log that never changes, with something of everything in it."""

from __future__ import annotations

BEGIN = 1_771_200_000  # 2026-02-16 00:00 UTC

_PEOPLE = ("ann", "bob", "carol.with.a.rather.long.name.that.has.to.be.cut.somewhere", "dan")
_IN = ("success", "success", "success", "rejspam", "timeout", "rejclam", "success", "novel")
_OUT = ("success", "success", "partial", "success", "success")


def _line(number: int) -> str:
    time = BEGIN + number * 811
    person = _PEOPLE[number % 4]
    domain = ("example.com", "example.org", "mail.example.net")[number % 3]
    size = (number * 7919) % 900_000 + 200
    ours, theirs = f"{person}@{domain}", f"friend{number % 5}@example.edu"
    head = f"Feb {16 + number * 811 // 86_400} 00:00:00 mx.example.com"
    if number % 7 == 3:
        return f"{head} out[9]: {time}|pop3@{ours}||{size}|success"
    if number % 7 == 5:
        return f"{head} out[9]: {time}|{ours}|{theirs}|{size}|{_OUT[number % 5]}|{number % 3}"
    if number % 50 == 8:
        return f"{head} out[9]: {time}|web@maillist-{ours}|{theirs}|{size}|success"
    return f"{head} in[9]: {time}|{theirs}|{ours}|{size}|{_IN[number % 8]}"


_MALFORMED = (
    b"Feb 16 00:00:00 mx.example.com in[9]: 5|a@example.com|b@example.com|-1|success\n",
    b"\n",
    b"\x1b[2Jnot a line at all, and it would clear the screen\n",
    b"Feb 16 00:00:00 mx.example.com in[9]: 5|nobody|nobody|7|success\n",
)
_STRANGE = (
    "Feb 16 00:00:00 mx.example.com in[9]: 1771200007|\x1b[31mred\u202e@example.com|"
    "b\u00fccher@b\u00fccher.example|77|success\n"
)

#: Some 200 records in two days, and four malformed lines.
SAMPLE = (
    "".join(f"{_line(number)}\n" for number in range(200)).encode()
    + _STRANGE.encode()
    + b"".join(_MALFORMED)
)
