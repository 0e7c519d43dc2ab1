"""Capacity: how costs grow with records, days and domains, and the costs for ``plan``."""
