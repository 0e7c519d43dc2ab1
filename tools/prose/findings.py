"""What the word list says of a text."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.prose.texts import Text

WORDS: Final = tomllib.loads((Path(__file__).parent / "words.toml").read_text("utf-8"))
#: Each pattern with what to write instead. A line break in the text counts as a space.
RULES: Final = tuple(
    (re.compile(rf"\b(?:{pattern})\b".replace(" ", r"\s+"), re.IGNORECASE), instead)
    for part in WORDS.values()
    for pattern, instead in part.items()
)


@dataclass(frozen=True, slots=True)
class Finding:
    """A word of the list in a text."""

    path: str
    line: int
    written: str
    instead: str

    def __str__(self) -> str:
        """Return one line, as editors and CI read it."""
        return f"{self.path}:{self.line}: '{self.written}': write instead: {self.instead}"


def findings(text: Text) -> Iterator[Finding]:
    """Yield every word of the list in a text, in the order of the list."""
    for pattern, instead in RULES:
        for found in pattern.finditer(text.prose):
            line = text.first_line + text.prose.count("\n", 0, found.start())
            yield Finding(text.path, line, " ".join(found[0].split()), instead)
