"""The reader of the state: totals, ledgers and days of one moment."""
