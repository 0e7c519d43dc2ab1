"""The aggregator: it receives, merges and commits batches; the one with the lease writes days.

receive → merge → commit → (watermark → day_writer → snapshot)
"""
