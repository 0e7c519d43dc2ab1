"""Log lines on standard error: text on a terminal, JSON otherwise."""

from __future__ import annotations

import json
import logging
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, TextIO

from mailtally_shared.runtime.urls import mask_url
from mailtally_shared.shown import printable, printable_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

LogFormat = Literal["auto", "text", "json"]
LogLevel = Literal["debug", "info", "warning", "error"]

#: Lines of one event that are logged in a period of …
BURST = 20
#: … this many seconds; further lines are counted, not shown.
PERIOD = 10.0


def event(logger: logging.Logger, level: int, name: str, sentence: str, **fields: object) -> None:
    """Log an event.

    Args:
        logger: the logger of the calling module.
        level: e.g. ``logging.INFO``.
        name: the event's name, lower-case with hyphens (``batch-refused``), which
            programs filter by and the flood filter counts by.
        sentence: the message for people.
        fields: the details: text, numbers, or objects that ``str`` shows well.
    """
    logger.log(level, sentence, extra={"event": name, "fields": fields})


def configure_logging(
    level: LogLevel = "info", log_format: LogFormat = "auto", stream: TextIO | None = None
) -> None:
    """Send all log lines of the process to ``stream`` (standard error).

    A second call replaces the first configuration.
    """
    stream = stream or sys.stderr
    as_text = log_format == "text" or (log_format == "auto" and stream.isatty())
    handler = logging.StreamHandler(stream)
    handler.setFormatter(TextFormatter() if as_text else JsonFormatter())
    handler.addFilter(FloodFilter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())


class FloodFilter(logging.Filter):
    """A filter that passes ``burst`` lines of an event per ``period`` seconds and counts the rest.

    The first line of the next period has the number of those left out in its
    field ``suppressed``. Lines without an event name always pass.
    """

    def __init__(
        self,
        burst: int = BURST,
        period: float = PERIOD,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self._burst = burst
        self._period = period
        self._clock = clock
        self._seen: dict[str, tuple[float, int]] = {}  # event: (start of its period, lines in it)

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the line is shown."""
        name = _event_of(record)
        if name is None:
            return True
        now = self._clock()
        start, count = self._seen.get(name, (now, 0))
        if now - start >= self._period:
            _add_field(record, "suppressed", count - self._burst)
            start, count = now, 0
        self._seen[name] = (start, count + 1)
        return count < self._burst


class JsonFormatter(logging.Formatter):
    """One JSON object per line: time (UTC), level, logger, event, message, and the fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its end."""
        when = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, object] = {
            "time": when.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": _event_of(record),
            "message": mask_url(record.getMessage()),
        }
        for key, value in _fields_of(record).items():
            # A field never replaces one of the fixed names.
            line[f"field_{key}" if key in line else key] = _plain(value)
        if record.exc_info:
            line["exception"] = mask_url(self.formatException(record.exc_info))
        return json.dumps({key: value for key, value in line.items() if value is not None})


class TextFormatter(logging.Formatter):
    """Text lines: ``12:00:00 WARNING Sentence  key=value key=value``, in local time."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its end."""
        clock = self.formatTime(record, "%H:%M:%S")
        fields = "".join(f" {key}={_shown(value)}" for key, value in _fields_of(record).items())
        sentence = printable(mask_url(record.getMessage()))
        line = f"{clock} {record.levelname:<7} {sentence}{' ' if fields else ''}{fields}"
        if record.exc_info:
            line += "\n" + printable_lines(mask_url(self.formatException(record.exc_info)))
        return line


def _event_of(record: logging.LogRecord) -> str | None:
    name = getattr(record, "event", None)
    return name if isinstance(name, str) else None


def _fields_of(record: logging.LogRecord) -> Mapping[str, object]:
    fields: Mapping[str, object] = getattr(record, "fields", {})
    return fields


def _add_field(record: logging.LogRecord, name: str, count: int) -> None:
    if count > 0:
        record.fields = {**_fields_of(record), name: count}


def _plain(value: object) -> object:
    """Return the value as a JSON type; text without secrets."""
    if value is None or isinstance(value, bool | int | float):
        return value
    return mask_url(str(value))


def _shown(value: object) -> str:
    text = str(_plain(value))
    return printable(f'"{text}"' if " " in text else text)
