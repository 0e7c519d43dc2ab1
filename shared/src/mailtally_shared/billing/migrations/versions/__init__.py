"""One script per change, in order; a script that was released is never edited."""
