"""The shared state in Redis or Valkey: its keys, and how one gets there."""
