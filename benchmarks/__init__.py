"""What mailtally costs, beside what one would use instead, on the same logs in the same run.

``python -m benchmarks`` compares; ``python -m benchmarks stages`` shows where the time goes.
Every contender is a process of its own, and its sums are compared with what the generator of
the logs knows that it wrote: a fast wrong answer ends the run. ``docs/performance.md`` has the
figures.
"""
