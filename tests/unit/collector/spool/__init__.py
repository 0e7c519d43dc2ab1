"""Unit tests of ``collector/spool``."""
