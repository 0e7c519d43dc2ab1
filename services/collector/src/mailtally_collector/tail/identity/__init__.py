"""The identity of files: fingerprints, copies, and where to resume."""
