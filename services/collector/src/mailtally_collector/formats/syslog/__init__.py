"""A mail server's log as syslog writes it: lines of several programs, each handed to its own.

``framing`` reads what is around a line; what a program says is declared in ``formats.programs``.
``docs/reference/formats.md`` says what is read and what is charged.
"""
