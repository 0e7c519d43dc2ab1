"""qmail's own log: an event per line, joined to one record per delivery.

``sentences`` declares its lines, which ``formats.queue`` has the kernel read and join.
``docs/reference/formats.md`` says what is read and what is charged.
"""
