"""Every metric of mailtally: one closed list.

A test compares ``docs/reference/monitoring.md`` with it.

every        of each process
collector    of its logs and its spool
aggregator   of its own work: to be added up over aggregators
cluster      of all hosts together: from the day writer alone, so that nothing counts twice
loader       of its files and its database
"""

from mailtally_aggregator import catalogue as aggregator
from mailtally_aggregator import cluster_catalogue as cluster
from mailtally_collector import catalogue as collector
from mailtally_loader import catalogue as loader
from mailtally_shared.runtime.metrics import every
from mailtally_shared.runtime.metrics.metric import Metric

#: All of them, in the order of the page.
CATALOGUE = tuple(
    entry
    for part in (every, collector, aggregator, cluster, loader)
    for entry in vars(part).values()
    if isinstance(entry, Metric)
)
#: What the library adds of the process itself, on Linux.
OF_THE_PROCESS = (
    "process_cpu_seconds_total",
    "process_max_fds",
    "process_open_fds",
    "process_resident_memory_bytes",
    "process_start_time_seconds",
    "process_virtual_memory_bytes",
)
