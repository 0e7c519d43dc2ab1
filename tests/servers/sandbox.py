"""A root directory of its own for mail servers: their packages, our configuration, nobody's mail.

``/usr`` is the machine's with the unpacked packages above it, read-only; everything else is made
here. What runs inside has its own mounts and process numbers, and ends with its first process.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from tests.servers.missing import missing
from tests.servers.packages import unpacked
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping

_DEVICES = ("null", "zero", "random", "urandom")
#: Name, number. Servers' packages would have made them when they were installed.
USERS = {
    "root": 0,
    "daemon": 1,
    "mail": 8,
    "postfix": 901,
    "dovecot": 902,
    "dovenull": 903,
    "Debian-exim": 904,
    "smmta": 905,
    "smmsp": 906,
    "courier": 907,
    "vmail": 5000,
    "ann": 1001,
    "bob": 1002,
    "nobody": 65534,
}
GROUPS = {**USERS, "postdrop": 951, "tty": 5, "shadow": 42, "adm": 4}
_ENDING = 20.0  # seconds


class Sandbox:
    """A root directory below ``path``; ``hosts`` maps names to addresses, there is no DNS."""

    def __init__(self, path: Path, packages: tuple[str, ...], hosts: Mapping[str, str]) -> None:
        self.root = path
        self.unpacked = unpacked(*packages)
        for name in ("etc", "var/mail", "var/spool", "var/lib", "run", "tmp", "dev", "proc", "usr"):
            (path / name).mkdir(parents=True, exist_ok=True)
        for name in ("bin", "sbin", "lib", "lib64"):
            (path / name).symlink_to(f"usr/{name}")
        (path / "tmp").chmod(0o1777)
        for name in ("ann", "bob"):
            (path / "home" / name).mkdir(parents=True)
            os.chown(path / "home" / name, USERS[name], USERS[name])
        shutil.copytree(self.unpacked / "etc", path / "etc", symlinks=True, dirs_exist_ok=True)
        self._write_etc(hosts)
        self._running: list[subprocess.Popen[bytes]] = []

    def write(self, name: str, text: str, mode: int = 0o644) -> None:
        """Write a file of the root directory, such as ``etc/postfix/main.cf``."""
        file = self.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)

    def run(self, *command: str, given: bytes = b"", user: str = "root") -> str:
        """Run a program inside to its end and return what it printed."""
        done = subprocess.run(
            self._inside(command, user=user), input=given, capture_output=True, check=False
        )
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        return done.stdout.decode()

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        """Start a program inside that stays; everything that it starts ends with it."""
        with (self.root / "output").open("ab") as output:
            process = subprocess.Popen(
                self._inside(command), stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
        self._running.append(process)
        return process

    def signal(self, process: subprocess.Popen[bytes], number: signal.Signals) -> None:
        """Signal the first process inside, which is a child of the one that waits for it."""
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text("ascii")
        for child in children.split():
            os.kill(int(child), number)

    def output(self) -> str:
        """Return what programs that stay have printed, for a failed test."""
        file = self.root / "output"
        return file.read_text("utf-8", "replace") if file.exists() else ""

    def stop(self) -> None:
        """End what is still running."""
        for process in reversed(self._running):
            if process.poll() is None:
                self.signal(process, signal.SIGTERM)
        for process in reversed(self._running):
            try:
                process.wait(_ENDING)
            except subprocess.TimeoutExpired:
                process.kill()  # takes the others with it
                process.wait(_ENDING)

    def _write_etc(self, hosts: Mapping[str, str]) -> None:
        users = (f"{u}:x:{n}:{n}::/home/{u}:/bin/sh\n" for u, n in USERS.items())
        self.write("etc/passwd", "".join(users))
        self.write("etc/group", "".join(f"{g}:x:{n}:\n" for g, n in GROUPS.items()))
        names = (f"{address} {name}\n" for name, address in hosts.items())
        self.write("etc/hosts", "".join(["127.0.0.1 localhost\n::1 localhost\n", *names]))
        self.write("etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n")
        self.write("etc/resolv.conf", "")
        for name in ("services", "protocols", "ld.so.cache"):
            if Path("/etc", name).exists():
                shutil.copy(Path("/etc", name), self.root / "etc" / name)

    def _inside(self, command: tuple[str, ...], user: str = "root") -> list[str]:
        root = shlex.quote(str(self.root))
        lower = shlex.quote(f"lowerdir={self.unpacked / 'usr'}:/usr")
        device = "touch {root}/dev/{name} && mount --bind /dev/{name} {root}/dev/{name}"
        steps = [
            f"mount -t overlay -o {lower} overlay {root}/usr",
            f"mount -t proc proc {root}/proc",
            *(device.format(root=root, name=name) for name in _DEVICES),
            f"exec chroot --userspec={user} {root} {shlex.join(command)}",
        ]
        # Whatever happens to this process: nothing is left running.
        unshared = [
            "setpriv",
            "--pdeathsig",
            "KILL",
            "unshare",
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
        ]
        return [*unshared, "sh", "-c", " && ".join(steps)]


def require_sandbox() -> None:
    """Skip the test where this machine cannot make one."""
    if os.geteuid() != 0:
        missing("a root directory of its own", "only root can make one")
    if not shutil.which("unshare"):
        missing("a root directory of its own", "no program unshare")


def wait_for_line(log: Path, *parts: str, timeout: float = 30.0) -> str:
    """Wait for a line of a log that holds all ``parts``, and return it."""

    def found() -> str:
        lines = log.read_text("utf-8", "replace").splitlines(keepends=True)
        whole = (line.rstrip("\n") for line in lines if line.endswith("\n"))
        return next((line for line in whole if all(part in line for part in parts)), "")

    return wait_until(found, timeout, f"a line with {parts}")
