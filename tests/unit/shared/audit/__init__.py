"""Unit tests of ``shared/audit``."""
