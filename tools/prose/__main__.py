"""Hold pages and docstrings to the words of the project: ``python -m tools.prose``."""

from __future__ import annotations

import sys

from tools.prose.findings import findings
from tools.prose.texts import texts


def main() -> int:
    """Print each finding as ``file:line: what is written, and what to write``."""
    found = [str(finding) for text in texts() for finding in findings(text)]
    print("\n".join(found) if found else "prose: clean")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
