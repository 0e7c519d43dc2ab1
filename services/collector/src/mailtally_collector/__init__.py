"""The collector: discover, tail, parse, batch, spool, ship.

The path of a line: ``tail`` hands out each whole line once, ``formats`` parses lines into
columns, ``spool`` gathers these into batches and writes each batch to disk, numbered, in one
transaction with the file positions that it covers, and ``ship`` sends a batch until the ledger
shows it as applied.
"""
