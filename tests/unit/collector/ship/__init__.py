"""Unit tests of ``collector/ship``."""
