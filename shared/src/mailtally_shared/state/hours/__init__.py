"""Hours in the state: what is counted of a day by hour, domain and service.

Hours are written with each commit and read once a day, so a commit appends one packed increment to
a list of its day instead of changing a field for each name. The day writer compacts the list.
"""
