"""The tail of the logs: every complete line of theirs is handed out once.

A look at the directories goes ``discover`` → ``roster`` → ``placing``, with ``identity`` and
``kinship`` to tell which file is which. A piece of a file goes ``handles`` → ``content`` →
``cut`` → ``tailer``. ``sweep`` tells up to when nothing is unread.
"""

from mailtally_collector.tail.discover import bare_name
from mailtally_collector.tail.doubts import Doubts
from mailtally_collector.tail.stopped import StoppedLog
from mailtally_collector.tail.tailer import Chunk, Tailer
from mailtally_collector.tail.troubles import LogsFound, LogTrouble, Noted

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
