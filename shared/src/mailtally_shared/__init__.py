"""What two processes of mailtally must agree on, and nothing else.

A message, a queue's name, a key in the state, a file format, a table, and the
way a process starts, reports and stops.
"""

__version__ = "0.1.0"
