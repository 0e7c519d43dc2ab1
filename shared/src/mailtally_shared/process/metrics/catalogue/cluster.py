"""Figures of all hosts together, told by the day writer alone. Pure."""

from mailtally_shared.process.metrics.metric import By, Kind, Metric

HOSTS = Metric(
    "mailtally_cluster_hosts",
    Kind.GAUGE,
    By.DAY_WRITER,
    "hosts",
    "Mail hosts whose days are waited for: seen or expected.",
)
WATERMARK = Metric(
    "mailtally_cluster_host_watermark_timestamp_seconds",
    Kind.GAUGE,
    By.DAY_WRITER,
    "seconds",
    "All that the host logged before this Unix time is counted; 0 until that is known.",
    ("host",),
)
LAG = Metric(
    "mailtally_cluster_host_lag_seconds",
    Kind.GAUGE,
    By.DAY_WRITER,
    "seconds",
    "How far the host's watermark is behind real time; absent while it is 0.",
    ("host",),
)
LINES = Metric(
    "mailtally_cluster_lines_total",
    Kind.COUNTER,
    By.DAY_WRITER,
    "lines",
    "Log lines in applied batches, by host.",
    ("host",),
)
RECORDS = Metric(
    "mailtally_cluster_records_total",
    Kind.COUNTER,
    By.DAY_WRITER,
    "records",
    "Records counted, by host.",
    ("host",),
)
MALFORMED = Metric(
    "mailtally_cluster_malformed_lines_total",
    Kind.COUNTER,
    By.DAY_WRITER,
    "lines",
    "Malformed lines, by host and reason.",
    ("host", "reason"),
)
MAIL_BYTES = Metric(
    "mailtally_cluster_mail_bytes",
    Kind.GAUGE,
    By.DAY_WRITER,
    "bytes",
    "Bytes of mail counted in the days that Redis holds; it falls when one leaves.",
)
DIFFERENCE = Metric(
    "mailtally_cluster_conservation_difference",
    Kind.GAUGE,
    By.DAY_WRITER,
    "lines or records",
    "What the sums differ by; anything but 0 is an alarm. lines: read, against records + malformed "
    "+ quarantined; records: counted, against those in days + retired + late + "
    "held + dropped.",
    ("check",),
)
DAYS = Metric(
    "mailtally_cluster_days",
    Kind.GAUGE,
    By.DAY_WRITER,
    "days",
    "Days in Redis by state: open (not over), awaited (over, never written), incomplete (written "
    "without some hosts), changed (since it was written), final.",
    ("state",),
)
DAYS_LIMIT = Metric(
    "mailtally_cluster_days_limit",
    Kind.GAUGE,
    By.DAY_WRITER,
    "days",
    "A batch that would open more is kept aside: the setting max_days.",
)
OVERDUE = Metric(
    "mailtally_cluster_day_overdue_seconds",
    Kind.GAUGE,
    By.DAY_WRITER,
    "seconds",
    "Since when the oldest day that is over lacks complete files, from its end or its first line; "
    "0 without one.",
)
CLOCKS = Metric(
    "mailtally_cluster_clocks_agree",
    Kind.GAUGE,
    By.DAY_WRITER,
    "0 or 1",
    "1 while Redis, the day writer and the collectors agree on the time; at 0 no day is closed.",
)
CLOCK_AHEAD = Metric(
    "mailtally_cluster_host_clock_ahead_seconds",
    Kind.GAUGE,
    By.DAY_WRITER,
    "seconds",
    "How far the mail host's clock was ahead of Redis's when its collector reported it last.",
    ("host",),
)
NAMES = Metric(
    "mailtally_cluster_day_names",
    Kind.GAUGE,
    By.DAY_WRITER,
    "names",
    "Distinct names charged on the day that has most.",
)
NAMES_LIMIT = Metric(
    "mailtally_cluster_day_names_limit",
    Kind.GAUGE,
    By.DAY_WRITER,
    "names",
    "From here on names are charged to (overflow): the setting max_names.",
)
HELD = Metric(
    "mailtally_cluster_held_records",
    Kind.GAUGE,
    By.DAY_WRITER,
    "records",
    "Records that lie too far ahead of time; they are in no day until that comes.",
)
LATE = Metric(
    "mailtally_cluster_late_records",
    Kind.GAUGE,
    By.DAY_WRITER,
    "records",
    "Records that came after their day's totals had left Redis, and are in no revision yet.",
)
STOPPED = Metric(
    "mailtally_cluster_stopped_days",
    Kind.GAUGE,
    By.DAY_WRITER,
    "days",
    "Days that are not written: Redis holds less of them than their files do, or lost batches.",
)
QUARANTINE = Metric(
    "mailtally_cluster_quarantine_batches",
    Kind.GAUGE,
    By.DAY_WRITER,
    "batches",
    "Batches and messages kept aside as unusable.",
)
QUARANTINE_LIMIT = Metric(
    "mailtally_cluster_quarantine_limit_batches",
    Kind.GAUGE,
    By.DAY_WRITER,
    "batches",
    "At so many the aggregators stop: the setting quarantine_batches.",
)
QUARANTINE_RECORDS = Metric(
    "mailtally_cluster_quarantine_records",
    Kind.GAUGE,
    By.DAY_WRITER,
    "records",
    "Records in batches kept aside; they are in no total.",
)
FOREIGN = Metric(
    "mailtally_cluster_foreign_names",
    Kind.GAUGE,
    By.DAY_WRITER,
    "names",
    "Names of hosts and collectors in Redis that no collector registered; they are ignored.",
)
QUEUE = Metric(
    "mailtally_cluster_queue_messages",
    Kind.GAUGE,
    By.DAY_WRITER,
    "messages",
    "Announcements that wait in the queue.",
)
REDIS_MEMORY = Metric(
    "mailtally_cluster_redis_memory_bytes",
    Kind.GAUGE,
    By.DAY_WRITER,
    "bytes",
    "Memory that Redis (the state) uses.",
)
REDIS_LIMIT = Metric(
    "mailtally_cluster_redis_memory_limit_bytes",
    Kind.GAUGE,
    By.DAY_WRITER,
    "bytes",
    "Its maxmemory, at which it takes no more; absent where there is none.",
)
SNAPSHOT_AGE = Metric(
    "mailtally_cluster_snapshot_age_seconds",
    Kind.GAUGE,
    By.DAY_WRITER,
    "seconds",
    "Age of the newest snapshot; absent without one.",
)
SNAPSHOT_BYTES = Metric(
    "mailtally_cluster_snapshot_bytes",
    Kind.GAUGE,
    By.DAY_WRITER,
    "bytes",
    "Size of the newest snapshot; absent without one.",
)
