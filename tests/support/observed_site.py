"""A site of real processes that tell of themselves over HTTP, for tests of what they tell."""

from __future__ import annotations

from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import TYPE_CHECKING

from prometheus_client.parser import text_string_to_metric_families

from mailtally_shared.wire.queue import QUEUE, connect_broker
from tests.support.ports import free_port
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailtally.local.children import Child
    from tests.support.cluster import Cluster

#: Jobs as ``deploy/prometheus/prometheus.yml`` names them.
JOB = "mailtally-{service}"


@dataclass
class ObservedSite:
    """Two aggregators, a loader, and a collector for each host."""

    cluster: Cluster
    hosts: tuple[str, ...] = ("mail1",)
    ports: dict[str, list[int]] = field(default_factory=dict)
    processes: dict[int, Child] = field(default_factory=dict)

    def start(self) -> None:
        """Start everything; the logs of each host are in a directory of its name."""
        for _ in range(2):
            self._start("aggregator")
        self._start("loader")
        for host in self.hosts:
            self.start_collector(host)

    def start_collector(self, host: str) -> None:
        """Follow the logs of a host."""
        (self.cluster.logs / host).mkdir(exist_ok=True)
        self._start(
            "collector",
            MAILTALLY_COLLECTOR__HOST=host,
            MAILTALLY_LOGS=f"{self.cluster.logs / host}/stats*",
            MAILTALLY_STATE_DIR=str(self.cluster.directory / f"state-{host}"),
        )

    def send_nonsense(self) -> None:
        """Put something into the queue that is no announcement."""
        with connect_broker(self.cluster.redis.broker_url) as connection:
            connection.Producer().publish(b"nonsense", exchange="", routing_key=QUEUE)

    def targets(self) -> dict[str, list[str]]:
        """Where each job's processes tell of themselves."""
        return {
            JOB.format(service=service): [f"127.0.0.1:{port}" for port in ports]
            for service, ports in self.ports.items()
        }

    def page(self, port: int, path: str = "/metrics") -> str:
        """One page of one process; empty where nobody listens yet."""
        connection = HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("GET", path)
            return connection.getresponse().read().decode()
        except ConnectionRefusedError:
            return ""
        finally:
            connection.close()

    def names(self, port: int) -> set[str]:
        """The metrics of which one process has values; a histogram's once."""
        return {
            f"{family.name}_total" if family.type == "counter" else family.name
            for family in text_string_to_metric_families(self.page(port))
            if family.samples
        }

    def values(self, name: str) -> Iterator[float]:
        """A metric's values, of all processes and labels."""
        for port in (port for ports in self.ports.values() for port in ports):
            for family in text_string_to_metric_families(self.page(port)):
                yield from (each.value for each in family.samples if each.name == name)

    def wait_for_one(self, name: str) -> None:
        """Until a metric's values are 1 together."""
        wait_until(lambda: sum(self.values(name)) == 1, 60, name)

    def _start(self, service: str, **settings: str) -> None:
        port = free_port()
        self.ports.setdefault(service, []).append(port)
        variable = f"MAILTALLY_{service.upper()}__HEALTH_ADDRESS"
        settings[variable] = f"127.0.0.1:{port}"
        self.processes[port] = self.cluster.start(service, **settings)
