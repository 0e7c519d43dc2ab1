"""The aggregator: receive, merge, commit; and whichever holds the lease writes the days.

receive → merge → commit → (watermark → day_writer → snapshot)
"""
