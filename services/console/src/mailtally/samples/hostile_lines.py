"""Hostile lines for a parser: malformed ones, and unusual well-formed ones.

Both are made from a plain line of :mod:`mailtally.samples.sample_logs`, in which each ``|`` and
``@`` is in its usual place. Bytes that are not UTF-8 are surrogate escapes, as in file names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

#: A domain that unusual lines spell in its Unicode form.
IDN = "xn--bcher-kva.example"
_IDN_SPELLED = "BÜCHER.example"


def _without_domain(line: str) -> str:
    head, _, tail = line.partition("]: ")
    time, _, rest = tail.partition("|")
    measures = rest.split("|", 2)[2]
    return f"{head}]: {time}|nobody|nobody|{measures}"


def _with_bytes(line: str, size: str) -> str:
    head, _, rest = line.partition("|")
    sender, recipient, _, tail = rest.split("|", 3)
    return f"{head}|{sender}|{recipient}|{size}|{tail}"


_SPOILED: tuple[Callable[[str], str], ...] = (
    lambda _: "\n",
    lambda _: "\r\n",
    lambda line: "\0" + line[1:],
    lambda line: line[:-2] + "\0\n",
    lambda line: line.replace(":", ".", 1),
    lambda line: line.replace("[", "(", 1),
    lambda line: line.replace("|", "x|", 1),
    lambda line: line.replace("|", "7" * 12 + "|", 1),
    lambda line: line[: line.index("|") + 1] + "\n",
    lambda line: line[: line.index("@")] + "\n",
    lambda line: _with_bytes(line, "-1"),
    lambda line: _with_bytes(line, str(2**53)),
    lambda line: _with_bytes(line, 'a|"b|\\"|17'),
    lambda line: line[:-1] + "\udcff\n",
    _without_domain,
    lambda line: line[:-1] + "x" * 70_000 + "\n",
)

_TWISTED: tuple[Callable[[str, str], str], ...] = (
    lambda line, _: line[:-1] + "\r\n",
    lambda line, domain: line.replace(domain, domain.upper()),
    lambda line, domain: line.replace(domain, domain + "."),
    lambda line, _: line.replace("|", '|"a|b\\"|"', "pop3@" not in line),
)


def spoil(rng: np.random.Generator, line: str) -> str:
    """Return a malformed line made from a plain one, including its line feed."""
    return _SPOILED[rng.integers(len(_SPOILED))](line)


def twist(rng: np.random.Generator, line: str, domain: str) -> tuple[str, str]:
    """Return an unusual well-formed line, and the domain that it is charged to.

    Args:
        rng: Chooses the change.
        line: The plain line.
        domain: The domain that ``line`` is charged to.
    """
    kind = rng.integers(len(_TWISTED) + 1)
    if kind == len(_TWISTED):
        return line.replace(domain, _IDN_SPELLED), IDN
    return _TWISTED[kind](line, domain), domain
