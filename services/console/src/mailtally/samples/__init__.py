"""Generators of realistic logs for the demo, benchmarks and tests."""
