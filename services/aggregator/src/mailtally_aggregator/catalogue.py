"""The metrics of each aggregator's own work; to be added up over aggregators. Pure."""

from mailtally_shared.runtime.metrics.metric import By, Kind, Metric

BATCHES = Metric(
    "mailtally_aggregator_batches_total",
    Kind.COUNTER,
    By.AGGREGATOR,
    "batches",
    "Batches by outcome: applied; known (a duplicate, dropped); different (another batch under a "
    "known number, refused); fenced (of a collector that was replaced, refused); outdated (of an "
    "earlier start of its collector, sent again); overflowing (beyond 63 bits, quarantined); "
    "crowding (more days than max_days, quarantined); too-far-ahead, too-many-hosts "
    "(quarantined).",
    ("outcome",),
)
RECORDS = Metric(
    "mailtally_aggregator_records_total", Kind.COUNTER, By.AGGREGATOR, "records", "Records applied."
)
PAYLOAD_BYTES = Metric(
    "mailtally_aggregator_payload_bytes_total",
    Kind.COUNTER,
    By.AGGREGATOR,
    "bytes",
    "Compressed bytes of the payloads applied.",
)
HEARTBEATS = Metric(
    "mailtally_aggregator_heartbeats_total",
    Kind.COUNTER,
    By.AGGREGATOR,
    "heartbeats",
    "Heartbeats of idle collectors processed.",
)
BAD = Metric(
    "mailtally_aggregator_bad_batches_total",
    Kind.COUNTER,
    By.AGGREGATOR,
    "batches",
    "Unusable batches by reason and by outcome: again (will be sent again), kept (quarantined), "
    "refused (already applied, or fenced), message (not an announcement; quarantined).",
    ("reason", "became"),
)
COMMIT = Metric(
    "mailtally_aggregator_commit_seconds",
    Kind.HISTOGRAM,
    By.AGGREGATOR,
    "seconds",
    "Duration of committing a group of batches, merging not included.",
)
DAY_WRITER = Metric(
    "mailtally_aggregator_day_writer",
    Kind.GAUGE,
    By.AGGREGATOR,
    "",
    "1 on the aggregator that writes days and serves the cluster's figures, otherwise 0.",
)
