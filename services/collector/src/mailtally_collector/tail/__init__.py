"""The tail of the logs: it hands out every complete line once.

A scan of the directories passes ``discover`` → ``roster`` → ``identity``, which finds out which
file is which. A piece of a file passes ``handles`` → ``content`` → ``cut`` → ``tailer``. ``sweep``
knows up to when nothing is unread.
"""

from mailtally_collector.tail.discover import bare_name
from mailtally_collector.tail.doubts import Doubts, LogTrouble
from mailtally_collector.tail.stopped import StoppedLog
from mailtally_collector.tail.tailer import Chunk, Tailer
from mailtally_collector.tail.troubles import LogsFound, Noted

__all__ = [
    "Chunk",
    "Doubts",
    "LogTrouble",
    "LogsFound",
    "Noted",
    "StoppedLog",
    "Tailer",
    "bare_name",
]
