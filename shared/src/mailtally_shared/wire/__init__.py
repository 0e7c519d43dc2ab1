"""Messages between the services: announcement, payload, status document, and the queue."""
