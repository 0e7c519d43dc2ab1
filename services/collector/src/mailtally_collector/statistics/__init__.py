"""Statistics: what is in some traffic logs, for the eyes of a mail host's operator.

A log goes ``stream`` → ``counting`` → ``part`` (of one piece, in a thread) → ``figures`` (of all,
with a ``ranking`` of each kind of name) → ``summary`` → one of the views: ``table_view``,
``csv_view``, ``json_view``. The output is described in ``docs/statistics.md``.
"""
