"""Passwords copied from an example and never replaced. Pure."""

from __future__ import annotations

import re
from urllib.parse import unquote

#: Lower-case, reduced to letters.
_EXAMPLES = frozenset(
    {
        *("changeme", "changethis", "replaceme", "example", "placeholder", "mailtally"),
        *("password", "yourpassword", "mypassword", "passwd", "secret", "topsecret", "letmein"),
    }
)
#: The password of each URL in a text; a broker's may hold several.
_PASSWORDS = re.compile(r"://[^:/@;]*:([^@;]*)@")


def has_example_password(url: str) -> bool:
    """Return whether a password in the URL is a well-known example."""
    return any(
        re.sub("[^a-z]", "", unquote(password).lower()) in _EXAMPLES
        for password in _PASSWORDS.findall(url)
    )
