"""Compressed logs: detected by their first bytes, decompressed in pieces of bounded size.

``kinds`` detects, ``members`` has a decompressor for each kind, ``decoder`` reads a file of one or
more members.
"""

from mailtally_collector.tail.compression.decoder import Damage, Decoder
from mailtally_collector.tail.compression.kinds import (
    HEAD,
    Compression,
    compression_in,
    compression_of,
)

__all__ = ["HEAD", "Compression", "Damage", "Decoder", "compression_in", "compression_of"]
