"""Statistics: what is in some traffic logs, for the eyes of a mail host's operator.

A log goes ``source`` → ``reading`` → ``part`` (of one piece, in a thread) → ``figures`` (of all,
with a ``ranking`` of each kind of name) → ``summary`` → one of the views: the ``page`` for people,
or the ``documents`` JSON and CSV. The output is described in ``docs/reference/statistics.md``.
"""
