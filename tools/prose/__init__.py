"""A linter of prose: the word list of the project, ``words.toml``, over pages and docstrings."""
