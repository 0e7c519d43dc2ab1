"""``mailtally report``: what was counted and charged, from the database and, where newer, live."""
