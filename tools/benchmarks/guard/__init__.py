"""The guard against slower kernels: ``python -m tools.benchmarks.guard`` measures ratios.

Each kernel's processor time is divided by that of a *yardstick*: fixed work of the same kind, on
the same bytes, in the same process, in turns with the kernel. What slows the machine down slows
both. The minimum of many rounds counts for each, which is the least disturbed run.
The ratios are compared with those in ``baseline.json``. Instruction counts would be steadier, but
many virtual machines do not have them.
"""
