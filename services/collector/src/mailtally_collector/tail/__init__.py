"""The tail of the logs: every complete line of theirs is handed out once.

A look at the directories goes ``discover`` → ``roster`` (with ``identity`` and ``kinship``
to tell which file is which) → ``handles``; a piece of a file goes ``content`` → ``cut`` →
``tailer``; ``sweep`` tells up to when nothing is unread.
"""

from mailtally_collector.tail.tailer import Chunk, Tailer

__all__ = ["Chunk", "Tailer"]
