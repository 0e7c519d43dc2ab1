"""The metrics of the whole cluster, served by the day writer alone. Pure."""

from mailtally_shared.runtime.metrics.metric import By, Kind, Metric

HOSTS = Metric(
    "mailtally_cluster_hosts",
    Kind.GAUGE,
    By.DAY_WRITER,
    "hosts",
    "Mail hosts whose days are waited for, seen or expected.",
)
WATERMARK = Metric(
    "mailtally_cluster_host_watermark_timestamp_seconds",
    Kind.GAUGE,
    By.DAY_WRITER,
    "seconds",
    "Unix time before which all lines of the host are counted; 0 until it is known.",
    ("host",),
)
LAG = Metric(
    "mailtally_cluster_host_lag_seconds",
    Kind.GAUGE,
    By.DAY_WRITER,
    "seconds",
    "Time by which the host's watermark is behind real time; absent while it is 0.",
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
    "Bytes of mail counted in the days that Redis holds; falls when a day leaves.",
)
DIFFERENCE = Metric(
    "mailtally_cluster_conservation_difference",
    Kind.GAUGE,
    By.DAY_WRITER,
    "lines or records",
    "Difference of sums that must be equal; alert on anything but 0. lines: lines read, and "
    "records + malformed + quarantined; records: records counted, and those in days + retired + "
    "late + held + dropped.",
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
    "Days that Redis may hold; a batch that would open more is quarantined: the setting max_days.",
)
OVERDUE = Metric(
    "mailtally_cluster_day_overdue_seconds",
    Kind.GAUGE,
    By.DAY_WRITER,
    "seconds",
    "Time for which the oldest day that is over has lacked complete files, from its end or its "
    "first line; 0 without one.",
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
    "Time by which the host's clock was ahead of Redis's at its collector's last report.",
    ("host",),
)
NAMES = Metric(
    "mailtally_cluster_day_names",
    Kind.GAUGE,
    By.DAY_WRITER,
    "names",
    "Distinct names charged on the day with the most.",
)
NAMES_LIMIT = Metric(
    "mailtally_cluster_day_names_limit",
    Kind.GAUGE,
    By.DAY_WRITER,
    "names",
    "Distinct names per day beyond which names are charged to (overflow): the setting max_names.",
)
HELD = Metric(
    "mailtally_cluster_held_records",
    Kind.GAUGE,
    By.DAY_WRITER,
    "records",
    "Records that are too far ahead of time; they are in no day until their time comes.",
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
    "Batches and messages in quarantine.",
)
QUARANTINE_LIMIT = Metric(
    "mailtally_cluster_quarantine_limit_batches",
    Kind.GAUGE,
    By.DAY_WRITER,
    "batches",
    "Entries of the quarantine at which aggregators stop: the setting quarantine_batches.",
)
QUARANTINE_RECORDS = Metric(
    "mailtally_cluster_quarantine_records",
    Kind.GAUGE,
    By.DAY_WRITER,
    "records",
    "Records in quarantined batches; they are in no total.",
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
    "Announcements in the queue.",
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
    "Redis's maxmemory, at which it refuses writes; absent without one.",
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
