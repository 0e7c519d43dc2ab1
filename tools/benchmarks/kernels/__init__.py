"""Kernels: the parsers alone, against a plain loop, and flame graphs."""
