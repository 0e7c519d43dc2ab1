"""What one would use instead: the bare sums, with no care for hostile lines."""
