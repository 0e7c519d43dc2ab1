"""The embedded site: a private Redis and the services as child processes, in one directory."""
