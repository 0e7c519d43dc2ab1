"""What a collector tells of its logs and its spool. Pure."""

from mailtally_shared.process.metrics.metric import By, Kind, Metric

HOST = Metric(
    "mailtally_collector_host_info",
    Kind.GAUGE,
    By.COLLECTOR,
    "",
    "Always 1; the mail host's name in the cluster.",
    ("host",),
)
LINES = Metric(
    "mailtally_collector_lines_total",
    Kind.COUNTER,
    By.COLLECTOR,
    "lines",
    "Log lines spooled, malformed ones among them, since the state directory was made.",
)
LOG_BYTES = Metric(
    "mailtally_collector_log_bytes_total",
    Kind.COUNTER,
    By.COLLECTOR,
    "bytes",
    "Bytes of log read and spooled since the state directory was made.",
)
RECORDS = Metric(
    "mailtally_collector_records_total",
    Kind.COUNTER,
    By.COLLECTOR,
    "records",
    "Records spooled since the state directory was made.",
)
MALFORMED = Metric(
    "mailtally_collector_malformed_lines_total",
    Kind.COUNTER,
    By.COLLECTOR,
    "lines",
    "Malformed lines kept aside, by reason.",
    ("reason",),
)
PASSED = Metric(
    "mailtally_collector_passed_lines_total",
    Kind.COUNTER,
    By.COLLECTOR,
    "lines",
    "Lines that are no record by themselves and not malformed (qmail's maillog).",
)
FORGOTTEN = Metric(
    "mailtally_collector_forgotten_messages_total",
    Kind.COUNTER,
    By.COLLECTOR,
    "messages",
    "Messages under way that were forgotten before their end, by reason.",
    ("reason",),
)
SKIPPED = Metric(
    "mailtally_collector_skipped_bytes_total",
    Kind.COUNTER,
    By.COLLECTOR,
    "bytes",
    "Bytes skipped in front of lines, by reason: nul, what a hole in a log reads as.",
    ("reason",),
)
UNREAD = Metric(
    "mailtally_collector_unread_bytes",
    Kind.GAUGE,
    By.COLLECTOR,
    "bytes",
    "Bytes of log known to be unread; of compressed logs, those on disk.",
)
STOPPED = Metric(
    "mailtally_collector_stopped_logs",
    Kind.GAUGE,
    By.COLLECTOR,
    "files",
    "Log files that are not read on until a person settles where to.",
)
DOUBTFUL = Metric(
    "mailtally_collector_doubtful_logs",
    Kind.GAUGE,
    By.COLLECTOR,
    "files",
    "Log files of which lines may be missing or counted twice, until a person accepts it.",
)
UNREADABLE = Metric(
    "mailtally_collector_unreadable_logs",
    Kind.GAUGE,
    By.COLLECTOR,
    "files",
    "Log files and directories that cannot be read, stopped ones among them.",
)
EMPTY_GLOBS = Metric(
    "mailtally_collector_empty_globs",
    Kind.GAUGE,
    By.COLLECTOR,
    "globs",
    "Globs of MAILTALLY_LOGS that match no file.",
)
READ_UP_TO = Metric(
    "mailtally_collector_read_up_to_timestamp_seconds",
    Kind.GAUGE,
    By.COLLECTOR,
    "seconds",
    "All that was logged before this Unix time is read and spooled; absent until that is known.",
)
UNAPPLIED = Metric(
    "mailtally_collector_unapplied_batches",
    Kind.GAUGE,
    By.COLLECTOR,
    "batches",
    "Batches in the spool that the ledger does not show as applied.",
)
WINDOW = Metric(
    "mailtally_collector_window_batches",
    Kind.GAUGE,
    By.COLLECTOR,
    "batches",
    "Unapplied batches at which reading waits: the setting window.",
)
UNAPPLIED_BYTES = Metric(
    "mailtally_collector_unapplied_bytes",
    Kind.GAUGE,
    By.COLLECTOR,
    "bytes",
    "Bytes of the batches that are not applied.",
)
OLDEST_UNAPPLIED = Metric(
    "mailtally_collector_oldest_unapplied_seconds",
    Kind.GAUGE,
    By.COLLECTOR,
    "seconds",
    "Age of the oldest batch that is not applied; 0 without one.",
)
SPOOL_FILE = Metric(
    "mailtally_collector_spool_file_bytes",
    Kind.GAUGE,
    By.COLLECTOR,
    "bytes",
    "Size of the spool on disk, applied batches that are still kept among it.",
)
RESENT = Metric(
    "mailtally_collector_resent_batches_total",
    Kind.COUNTER,
    By.COLLECTOR,
    "batches",
    "Batches sent again since the start.",
)
