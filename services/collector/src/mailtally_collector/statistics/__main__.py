"""``python -m mailtally_collector.statistics``: the command, where it is not on the path."""

from mailtally_collector.statistics.command import statistics

if __name__ == "__main__":
    statistics()
