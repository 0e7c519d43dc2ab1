"""How a process of mailtally starts, stops, logs and reports, in all services alike."""
