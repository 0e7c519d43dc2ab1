"""Reports: a question, the figures that answer it, and the answer. Pure."""
