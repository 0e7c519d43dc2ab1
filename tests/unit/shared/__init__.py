"""Unit tests of ``shared``."""
