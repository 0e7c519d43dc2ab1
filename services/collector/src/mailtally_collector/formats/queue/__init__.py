"""Logs of mail queues: several lines a message, joined to one record per delivery.

The kernel does both, for any program whose lines are declared: see ``docs/explanation/kernel.md``.
"""
