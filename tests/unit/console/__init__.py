"""Unit tests of ``console``."""
