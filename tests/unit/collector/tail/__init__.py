"""Unit tests of ``collector/tail``."""
