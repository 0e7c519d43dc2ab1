"""Generators of logs that only tests and benchmarks need; those of the demo are in the product."""
