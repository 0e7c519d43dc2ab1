"""Rotation of logs that nothing else rotates; off unless it is configured.

``plan`` decides, ``notes`` remembers, ``packing`` renames and compresses, ``reopen_command`` has
the writer reopen its log, ``rotator`` runs these in order.
"""
