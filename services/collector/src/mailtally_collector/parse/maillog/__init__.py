"""qmail's own log: what happened to each message, an event a line, joined to a record a delivery.

A chunk goes ``scan`` (lines to events; its words are ``stamp`` and ``wording``) → ``join`` (events
to records, with what is remembered in ``memory``) → ``state`` (what has to be remembered, as
bytes for the checkpoint). ``format`` puts them together. What is read and what is charged is in
``docs/formats.md``.
"""
