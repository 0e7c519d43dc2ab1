"""The format ``stats``: the traffic log of qmail under H-Sphere."""
