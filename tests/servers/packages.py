"""Mail servers from Debian's packages, unpacked next to each other instead of installed.

Packages of mail servers exclude each other. ``apt-get`` fetches each set, with the libraries that
this machine lacks, into a cache outside of the tree, and ``dpkg-deb`` unpacks it there.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.servers.missing import missing

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Names the folder of unpacked packages; without it they are in the user's cache.
CACHE_VARIABLE = "MAILTALLY_TEST_MAIL_PACKAGES"

_DOWNLOADING = 300.0  # seconds


def cache() -> Path:
    """Folder of unpacked packages, one folder a set."""
    named = os.environ.get(CACHE_VARIABLE)
    return Path(named) if named else Path.home() / ".cache/mailtally-tests/mail-packages"


def unpacked(*packages: str) -> Path:
    """Return the root of a set of packages, which is fetched if the cache has it not.

    Skips the test where that cannot be done.
    """
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        missing(packages[0], "this machine has no apt-get and dpkg-deb to unpack it with")
    folder = cache() / "_".join(packages)
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder / "lock"):
        if not (folder / "root").exists():
            _fetch(folder, packages)
    return folder / "root"


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _fetch(folder: Path, packages: tuple[str, ...]) -> None:
    archives, unfinished = folder / "archives", folder / "unfinished"
    (archives / "partial").mkdir(parents=True, exist_ok=True)
    shutil.rmtree(unfinished, ignore_errors=True)
    command = ["apt-get", "install", "--download-only", "--reinstall", "--no-install-recommends"]
    command += ["--yes", "--quiet", "-o", f"Dir::Cache::archives={archives}"]
    # The unprivileged user of apt may not write to a cache below a home directory.
    command += ["-o", "APT::Sandbox::User=root", *packages]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=_DOWNLOADING
    )
    if done.returncode:
        missing(packages[0], f"apt-get cannot fetch its package: {done.stderr.strip()}")
    for archive in sorted(archives.glob("*.deb")):
        subprocess.run(["dpkg-deb", "--extract", archive, unfinished], check=True)
    _merge_usr(unfinished)
    unfinished.rename(folder / "root")


def _merge_usr(root: Path) -> None:
    """Move what a package puts into /lib and its like to where these links lead."""
    for name in ("bin", "sbin", "lib", "lib64"):
        if (root / name).is_dir():
            shutil.copytree(root / name, root / "usr" / name, symlinks=True, dirs_exist_ok=True)
            shutil.rmtree(root / name)
