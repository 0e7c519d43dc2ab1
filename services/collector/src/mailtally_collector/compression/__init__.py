"""Compressed logs: recognised by their first bytes, decompressed in pieces of bounded size.

``kinds`` recognises, ``members`` has one decompressor for each kind, ``decoder`` reads a file of
one or more members.
"""

from mailtally_collector.compression.decoder import Damage, Decoder
from mailtally_collector.compression.kinds import HEAD, Compression, compression_in, compression_of

__all__ = ["HEAD", "Compression", "Damage", "Decoder", "compression_in", "compression_of"]
