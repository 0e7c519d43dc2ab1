"""Unit tests of ``shared/days``."""
