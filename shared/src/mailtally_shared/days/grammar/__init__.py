"""The grammars of a day's files: each is written and read as columns, in bounded memory. Pure."""
