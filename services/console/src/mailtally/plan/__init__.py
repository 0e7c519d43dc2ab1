"""``mailtally plan``: what a cluster of mail hosts of some size will take.

A model, not a measurement: the cost of each stage (``costs``) times how often it is done (``load``,
``distinct``). ``docs/scaling.md`` says what of it was measured.
"""
