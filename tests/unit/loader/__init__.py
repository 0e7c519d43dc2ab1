"""Unit tests of ``loader``."""
