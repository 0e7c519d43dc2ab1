"""Development tools: benchmarks and mutation tests."""
