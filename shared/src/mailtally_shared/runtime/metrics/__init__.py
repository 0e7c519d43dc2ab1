"""The metrics of a process: a fixed list, read when the page is requested.

``every`` lists the metrics of each process, the ``catalogue`` of a service its own, and
``exposition`` serves them. Services register *sources*: functions that read values from what the
service already knows.
"""
