"""Unit tests of ``shared/state``."""
