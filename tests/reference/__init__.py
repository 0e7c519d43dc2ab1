"""Plain readers of every log format: the oracle of the compiled ones.

Each is written from the specification of the formats alone, a line at a time, with no thought of
speed. They share nothing with the product but the services and limits of ``mailtally_shared``.

A line's way: ``containers`` (JSON and container logs) and ``clothing`` (syslog in its dialects)
undress it, ``clock`` dates it, ``repeats`` tells how often it happened, ``log`` hands it to its
program's reader (``postfix``, ``dovecot``, ...), and ``charging`` makes records of what ended.
"""
