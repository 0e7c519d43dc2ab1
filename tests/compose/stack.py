"""The cluster of docker-compose.yml under a project name of its own, driven from outside."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mailtally_shared.state.keys import StateKeys
from tests.architecture.source_tree import ROOT

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

HOSTS = ("mail1.example.com", "mail2.example.com", "mail3.example.com")
_FILES = (ROOT / "docker-compose.yml", Path(__file__).with_name("docker-compose.test.yml"))
_LONGEST = 900.0  # seconds for one command; a build takes longest
_KEYS = StateKeys()
_AS_ADMIN = 'REDISCLI_AUTH=$(cat /run/secrets/redis/admin) redis-cli --user admin "$@"'


@dataclass
class Stack:
    """Starts in ``with``, after ``build``; leaves no container, network or volume behind."""

    compose: tuple[str, ...]
    directory: Path
    project: str = field(default_factory=lambda: f"mailtally-test-{uuid.uuid4().hex[:8]}")

    def __post_init__(self) -> None:
        self.logs = self.directory / "logs"
        for host in HOSTS:
            (self.logs / host).mkdir(parents=True)
        self._write_secrets(self.directory / "secrets")

    def run(self, *arguments: str, check: bool = True) -> str:
        """A Compose command; what it wrote to standard output."""
        files = [word for file in _FILES for word in ("-f", str(file))]
        words = (*self.compose, "-p", self.project, "--project-directory", str(ROOT), *files)
        return self._output(*words, *arguments, check=check)

    def up(self, aggregators: int) -> None:
        """Bring everything up, with so many aggregators."""
        self.run("up", "-d", "--no-build", "--scale", f"aggregator={aggregators}")

    def containers(self, service: str = "") -> list[dict[str, Any]]:
        """What the engine knows of each container of a service, or of all."""
        ids = self.run("ps", "-q", *([service] if service else [])).split()
        found: list[dict[str, Any]] = json.loads(self._output("docker", "inspect", *ids))
        return found

    def kill(self, service: str) -> None:
        """SIGKILL one of a service's containers."""
        self._output("docker", "kill", self.containers(service)[0]["Id"])

    def is_healthy(self) -> bool:
        """Whether every container says that it can do its work."""
        states = [one["State"] for one in self.containers()]
        # What has run once and ended has no health.
        lasting = [state for state in states if state["ExitCode"] or state["Status"] != "exited"]
        return all(state["Health"]["Status"] == "healthy" for state in lasting if "Health" in state)

    def lines(self) -> int:
        """How many lines the ledger has."""
        collectors = self.redis("SMEMBERS", _KEYS.collectors).split()
        counts = [self.redis("HGET", _KEYS.ledger(one), "lines") for one in collectors]
        return sum(int(count.strip() or 0) for count in counts)

    def redis(self, *command: str) -> str:
        """The answer to a command of Redis, empty where it does not answer."""
        words = ("exec", "-T", "redis", "sh", "-c", _AS_ADMIN, "sh", *command)
        return self.run(*words, check=False)

    def billed(self) -> dict[tuple[str, str], tuple[int, int]]:
        """Bytes and hits in PostgreSQL by day and domain; empty where there are no tables yet."""
        query = "SELECT day, domain, bytes, hits_all FROM mail_traffic_daily"
        psql = ("psql", "-U", "mailtally", "-At", "-c", query)
        rows = self.run("exec", "-T", "postgres", *psql, check=False).splitlines()
        cells = (row.split("|") for row in rows)
        return {(day, domain): (int(size), int(hits)) for day, domain, size, hits in cells}

    def archived(self) -> dict[str, bytes]:
        """The archived files of the days, unpacked, by the names they had before."""
        copy = self.directory / "loaded"
        shutil.rmtree(copy, ignore_errors=True)
        there = f"{self.containers('loader')[0]['Id']}:/var/lib/mailtally/statistic/loaded"
        self._output("docker", "cp", there, str(copy))
        return {path.stem: gzip.decompress(path.read_bytes()) for path in copy.glob("*.gz")}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.run("down", "--volumes", "--remove-orphans", "--timeout", "5")

    def _output(self, *words: str, check: bool = True) -> str:
        done = subprocess.run(
            words,
            env={**os.environ, **self._environment()},
            capture_output=True,
            text=True,
            timeout=_LONGEST,
            check=False,
        )
        assert not check or done.returncode == 0, f"{' '.join(words)}\n{done.stdout}{done.stderr}"
        return done.stdout

    def _environment(self) -> dict[str, str]:
        return {
            "MAILTALLY_COLLECTOR_HOST": HOSTS[0],
            "MAILTALLY_LOG_DIR": str(self.logs / HOSTS[0]),
            "MAILTALLY_EXPECTED_HOSTS": ",".join(HOSTS),
            "MAILTALLY_SECRETS_DIR": str(self.directory / "secrets"),
            "MAILTALLY_TEST_LOGS": str(self.logs),
        }

    def _write_secrets(self, directory: Path) -> None:
        done = subprocess.run(
            ["sh", str(ROOT / "deploy/make-secrets"), *HOSTS],
            env={**os.environ, "MAILTALLY_SECRETS_DIR": str(directory)},
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
