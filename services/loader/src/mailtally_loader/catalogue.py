"""The metrics of the loader. Pure."""

from mailtally_shared.runtime.metrics.metric import By, Kind, Metric

ARCHIVED = Metric(
    "mailtally_loader_archived_days_total",
    Kind.COUNTER,
    By.LOADER,
    "days",
    "Revisions of days loaded and archived since the start.",
)
REJECTED = Metric(
    "mailtally_loader_rejected_days_total",
    Kind.COUNTER,
    By.LOADER,
    "days",
    "Revisions of days rejected since the start.",
)
REJECTED_KEPT = Metric(
    "mailtally_loader_rejected_kept_days",
    Kind.GAUGE,
    By.LOADER,
    "days",
    "Directories in rejected/ that wait for an operator.",
)
STRAYS = Metric(
    "mailtally_loader_stray_files",
    Kind.GAUGE,
    By.LOADER,
    "files",
    "Old files in the statistic directory that belong to no day and will not be loaded.",
)
WAITING = Metric(
    "mailtally_loader_waiting_days",
    Kind.GAUGE,
    By.LOADER,
    "days",
    "Days whose files wait to be loaded, or are being loaded.",
)
OLDEST_WAITING = Metric(
    "mailtally_loader_oldest_waiting_seconds",
    Kind.GAUGE,
    By.LOADER,
    "seconds",
    "Age of the oldest file that waits; 0 without one.",
)
LOADED = Metric(
    "mailtally_loader_loaded_days",
    Kind.GAUGE,
    By.LOADER,
    "days",
    "Days in the database; absent until the database has answered once.",
)
NEWEST = Metric(
    "mailtally_loader_newest_loaded_day_timestamp_seconds",
    Kind.GAUGE,
    By.LOADER,
    "seconds",
    "Midnight (UTC) at the beginning of the newest loaded day; absent without one.",
)
