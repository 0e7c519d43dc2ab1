"""Unit tests of ``collector/rotate``."""
