"""``mailtally rebuild``: a day whose totals were lost, from its logs and its archived files."""
