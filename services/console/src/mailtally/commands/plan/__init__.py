"""The command ``mailtally plan``: the capacity that a cluster of a given size needs.

A model, not a measurement: the cost of each stage (``costs``) times its frequency (``load``,
``distinct``). ``docs/explanation/scaling.md`` says which part was measured.
"""
