"""Mutation tests: break each safeguard in a copy of the tree; the tests must fail."""
