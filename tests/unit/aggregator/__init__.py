"""Unit tests of ``aggregator``."""
