"""Unit tests of ``collector``."""
