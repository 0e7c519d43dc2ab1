"""How a process of mailtally starts, stops, logs and reports: the same in all services."""
