"""The benchmarks: mailtally and its alternatives on the same logs in the same run.

``python -m tools.benchmarks`` compares; ``python -m tools.benchmarks stages`` shows where the time
goes. Every contender is a process of its own, and its sums are compared with those of the log
generator: a fast wrong answer ends the run. ``docs/explanation/performance.md`` has the figures.
"""
