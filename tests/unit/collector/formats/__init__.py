"""Unit tests of ``collector/formats``."""
