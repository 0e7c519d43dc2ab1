"""``mailtally analyze``: log files to day files on one machine, with no queue between."""
