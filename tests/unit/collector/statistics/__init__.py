"""Unit tests of ``collector/statistics``."""
