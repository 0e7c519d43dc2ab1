"""Rotation of logs that nothing else rotates: off unless the settings say when.

``plan`` decides, ``notes`` remembers, ``aside`` renames, ``telling`` has the writer open its log
anew, ``packing`` compresses, ``rotator`` puts these in order, ``rotating`` is their thread.
"""
