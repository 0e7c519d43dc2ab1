"""The intake: receive announcements, fetch their batches, commit them in groups."""
