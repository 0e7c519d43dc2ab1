"""The metrics of every service. Pure."""

from mailtally_shared.runtime.metrics.metric import By, Kind, Metric

INFO = Metric(
    "mailtally_info",
    Kind.GAUGE,
    By.ALL,
    "",
    "Always 1; the labels name service and version.",
    ("service", "version"),
)
READY = Metric(
    "mailtally_ready", Kind.GAUGE, By.ALL, "", "1 while /readyz answers 200, otherwise 0."
)
METRICS_MISSING = Metric(
    "mailtally_metrics_missing",
    Kind.GAUGE,
    By.ALL,
    "groups",
    "Groups of metrics that could not be read, because a server or a disk did not answer.",
)
LOG_EVENTS = Metric(
    "mailtally_log_events_total",
    Kind.COUNTER,
    By.ALL,
    "events",
    "Events logged since the start, including those that the flood filter left out.",
    ("event", "level"),
)
