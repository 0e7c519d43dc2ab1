"""The programs whose lines a log of syslog may have: a declaration each, and their registry."""
