"""Unit tests of ``shared/reports``."""
