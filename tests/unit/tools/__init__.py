"""Unit tests of ``tools``."""
