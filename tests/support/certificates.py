"""Certificates that are good for one test, made by openssl."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.support.servers import missing

if TYPE_CHECKING:
    from pathlib import Path

_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


@dataclass(frozen=True)
class Issued:
    """A certificate and its key, in PEM files."""

    cert: Path
    key: Path


class Authority:
    """Signs certificates; its own is ``ca``."""

    def __init__(self, directory: Path, name: str) -> None:
        directory.mkdir(exist_ok=True)
        self._directory, self._name = directory, name
        self._own = Issued(directory / f"{name}.crt", directory / f"{name}.key")
        _openssl(
            *("req", "-x509", *_KEY, "-days", "2", "-subj", f"/CN={name}"),
            *("-keyout", str(self._own.key), "-out", str(self._own.cert)),
        )

    @property
    def ca(self) -> Path:
        """What a client must trust."""
        return self._own.cert

    def issue(self, name: str, *names: str) -> Issued:
        """A certificate for ``names``, each as ``DNS:…`` or ``IP:…``."""
        made = Issued(*(self._directory / f"{self._name}-{name}.{end}" for end in ("crt", "key")))
        _openssl(
            *("req", "-x509", *_KEY, "-days", "2", "-subj", f"/CN={name}"),
            *("-CA", str(self._own.cert), "-CAkey", str(self._own.key)),
            *("-addext", "basicConstraints=critical,CA:FALSE"),
            *(("-addext", f"subjectAltName={','.join(names)}") if names else ()),
            *("-keyout", str(made.key), "-out", str(made.cert)),
        )
        return made


def _openssl(*arguments: str) -> None:
    program = shutil.which("openssl")
    if program is None:
        missing("openssl", "it is not on the PATH")
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
