"""Unit tests of ``shared/wire``."""
