"""Records that are not counted, or not yet: held ones and quarantined batches."""
