"""The collector: discover, tail, parse, batch, spool, ship.

A line's way: ``tail`` hands out whole lines once, ``parse`` makes columns of
them, ``batcher`` gathers those until a batch is worth sending, ``spool`` makes
it a numbered batch on disk in one step with the file positions it covers, and
``ship`` sends it until the ledger says that it is applied.
"""
