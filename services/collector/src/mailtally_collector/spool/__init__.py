"""Spool: batches, file positions and identity of a collector, in one database."""
