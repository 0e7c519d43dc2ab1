"""What is fuzzed: a reader of bytes from outside, and what must hold of whatever it is given."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailtally_shared.errors import BadInput

CORPUS = Path(__file__).parent / "corpus"


@dataclass(frozen=True)
class Target:
    """One reader.

    ``check`` is given a block of inputs. It returns how many of them ended how
    (``taken``, or the reason of a refusal), and raises for anything else.
    """

    name: str
    check: Callable[[list[bytes]], Counter[str]]
    tokens: tuple[bytes, ...]
    #: Each line of a seed file is a seed.
    by_line: bool = False

    def seeds(self) -> list[bytes]:
        """The corpus kept in the tree, always in the same order."""
        files = [path.read_bytes() for path in sorted((CORPUS / self.name).iterdir())]
        return [line for file in files for line in file.split(b"\n")] if self.by_line else files


def one_by_one(check: Callable[[bytes], str]) -> Callable[[list[bytes]], Counter[str]]:
    """A check of blocks from one of single inputs."""
    return lambda block: Counter(map(check, block))


def refusal(error: BadInput) -> str:
    """How a refused input ended; its sentence must stand on one line of a log."""
    assert str(error).isprintable()
    return error.reason
