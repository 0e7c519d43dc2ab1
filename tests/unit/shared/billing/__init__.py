"""Unit tests of ``shared/billing``."""
