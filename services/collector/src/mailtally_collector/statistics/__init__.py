"""Statistics: what is in some traffic logs, for the eyes of a mail host's operator.

A log goes ``sources`` → ``counting`` → ``part`` (one chunk, in a thread) → ``figures`` (all of them,
with ``ranking`` for the names) → ``summary`` → one of the views: ``table_view``, ``csv_view``,
``json_view``. The output is described in ``docs/statistics.md``.
"""
