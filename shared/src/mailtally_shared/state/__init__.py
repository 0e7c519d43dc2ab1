"""The shared state in Redis or Valkey: its keys, its reader and its writer."""
