"""Has a kernel become slower? ``python -m benchmarks.guard`` measures ratios, not seconds.

Each kernel's processor time is divided by that of a *yardstick* beside it: fixed work of the same
kind, on the same bytes, in the same process, in turns with the kernel. What slows the machine down
slows both. Of each the least of many rounds is taken, which is the run that nothing disturbed.
The ratios are compared with those in ``baseline.json``. Instructions would be steadier still; many
virtual machines do not count them.
"""
