"""The metrics of a collector: its logs and its spool. Pure."""

from mailtally_shared.runtime.metrics.metric import By, Kind, Metric

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
    "Log lines spooled, malformed ones included, since the state directory was created.",
)
LOG_BYTES = Metric(
    "mailtally_collector_log_bytes_total",
    Kind.COUNTER,
    By.COLLECTOR,
    "bytes",
    "Bytes of log read and spooled since the state directory was created.",
)
RECORDS = Metric(
    "mailtally_collector_records_total",
    Kind.COUNTER,
    By.COLLECTOR,
    "records",
    "Records spooled since the state directory was created.",
)
MALFORMED = Metric(
    "mailtally_collector_malformed_lines_total",
    Kind.COUNTER,
    By.COLLECTOR,
    "lines",
    "Malformed lines, kept in the reject file, by reason.",
    ("reason",),
)
PASSED = Metric(
    "mailtally_collector_passed_lines_total",
    Kind.COUNTER,
    By.COLLECTOR,
    "lines",
    "Lines that are neither a record nor malformed (events of qmail's maillog).",
)
FORGOTTEN = Metric(
    "mailtally_collector_forgotten_messages_total",
    Kind.COUNTER,
    By.COLLECTOR,
    "messages",
    "Messages in progress that were dropped before their last delivery, by reason.",
    ("reason",),
)
SKIPPED = Metric(
    "mailtally_collector_skipped_bytes_total",
    Kind.COUNTER,
    By.COLLECTOR,
    "bytes",
    "Bytes skipped before lines, by reason: nul (a hole in a log reads as NUL bytes).",
    ("reason",),
)
UNREAD = Metric(
    "mailtally_collector_unread_bytes",
    Kind.GAUGE,
    By.COLLECTOR,
    "bytes",
    "Bytes of log known to be unread; for compressed logs, bytes on disk.",
)
STOPPED = Metric(
    "mailtally_collector_stopped_logs",
    Kind.GAUGE,
    By.COLLECTOR,
    "files",
    "Log files whose reading is stopped until an operator settles the position to resume at.",
)
DOUBTFUL = Metric(
    "mailtally_collector_doubtful_logs",
    Kind.GAUGE,
    By.COLLECTOR,
    "files",
    "Log files with lines that may be missing or counted twice, until an operator accepts it.",
)
UNREADABLE = Metric(
    "mailtally_collector_unreadable_logs",
    Kind.GAUGE,
    By.COLLECTOR,
    "files",
    "Log files and directories that cannot be read, stopped ones included.",
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
    "Unix time up to which all log lines are read and spooled; absent until it is known.",
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
    "Unapplied batches at which reading pauses: the setting window.",
)
UNAPPLIED_BYTES = Metric(
    "mailtally_collector_unapplied_bytes",
    Kind.GAUGE,
    By.COLLECTOR,
    "bytes",
    "Bytes in batches that are not applied.",
)
OLDEST_UNAPPLIED = Metric(
    "mailtally_collector_oldest_unapplied_seconds",
    Kind.GAUGE,
    By.COLLECTOR,
    "seconds",
    "Age of the oldest batch that is not applied; 0 if there is none.",
)
SPOOL_FILE = Metric(
    "mailtally_collector_spool_file_bytes",
    Kind.GAUGE,
    By.COLLECTOR,
    "bytes",
    "Size of the spool on disk, including applied batches that are still kept.",
)
RESENT = Metric(
    "mailtally_collector_resent_batches_total",
    Kind.COUNTER,
    By.COLLECTOR,
    "batches",
    "Batches sent again since the start.",
)
