"""Commits: a group of batches, and the sums that it adds, in one atomic step."""
