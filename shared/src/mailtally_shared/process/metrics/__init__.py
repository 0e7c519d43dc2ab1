"""What a process tells of itself in numbers: a closed list, read when somebody asks.

``catalogue`` lists every metric, ``exposition`` serves them. Services bring *sources*:
functions that read values from what the service knows anyway.
"""

from mailtally_shared.process.metrics.exposition import Exposition, observed
from mailtally_shared.process.metrics.metric import Durations, Metric, Sample, Source, bounded

__all__ = ["Durations", "Exposition", "Metric", "Sample", "Source", "bounded", "observed"]
