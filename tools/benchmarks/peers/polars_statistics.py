"""The tables of ``mailtally statistics -v`` with Polars' streaming engine, on all cores.

It is laxer than RULES: lines are assumed to be well-formed, services are distinguished by prefixes
only, and domains keep their spelling.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Sequence

_FIELDS = {
    "head": pl.String,
    "sender": pl.String,
    "recipient": pl.String,
    "size": pl.Int64,
    "status": pl.String,
    "attempts": pl.Int64,
}
_BOUNDS = [2**power for power in range(10, 27, 2)]
_TOP = 10


def _records(paths: Sequence[str]) -> pl.LazyFrame:
    outgoing = pl.col("head").str.contains(" out[", literal=True)
    sender, recipient = pl.col("sender"), pl.col("recipient")
    service = (
        pl.when(sender.str.starts_with("imap@"))
        .then(pl.lit("imap"))
        .when(sender.str.starts_with("pop3@"))
        .then(pl.lit("pop3"))
        .when(sender.str.contains("web@maillist", literal=True))
        .then(pl.lit("maillist"))
        .when(outgoing)
        .then(pl.lit("smtp-out"))
        .otherwise(pl.lit("smtp-in"))
    )
    charged = pl.when(service == "smtp-in").then(recipient).otherwise(sender)
    lines = pl.scan_csv(
        list(paths),
        separator="|",
        has_header=False,
        quote_char=None,
        schema=_FIELDS,
        truncate_ragged_lines=True,
        missing_columns="insert",
    )
    return lines.with_columns(
        outgoing=outgoing,
        service=service,
        domain=charged.str.replace(r"^.*@", ""),
        hour=pl.col("head").str.slice(-10).cast(pl.Int64) // 3600,
        size_class=pl.sum_horizontal([pl.col("size") >= bound for bound in _BOUNDS]),
        again=pl.col("size") * (pl.col("attempts").fill_null(1) - 1),
        wasted=pl.when(pl.col("status") == "success").then(0).otherwise(pl.col("size")),
    )


def tables(paths: Sequence[str]) -> dict[str, pl.DataFrame]:
    """Return all tables, from one pass over the file."""
    records = _records(paths)
    sums = (pl.len().alias("messages"), *(pl.sum(name) for name in ("size", "wasted", "again")))

    def grouped(*by: str) -> pl.LazyFrame:
        return records.group_by(*by).agg(*sums)

    queries = {
        "traffic": grouped("service", "outgoing", "status"),
        "hours": grouped("hour"),
        "sizes": grouped("size_class"),
        **{
            name: grouped(name).top_k(_TOP, by="messages")
            for name in ("domain", "sender", "recipient")
        },
        "largest": records.top_k(_TOP, by="size"),
    }
    found = pl.collect_all(queries.values(), engine="streaming")
    return dict(zip(queries, found, strict=True))


def _rows(table: pl.DataFrame, *names: str) -> list[list[Any]]:
    return sorted(map(list, table.select(*names).iter_rows()))


if __name__ == "__main__":
    found = tables(sys.argv[1:])
    answer = {
        "traffic": _rows(found["traffic"], "service", "status", "messages", "size", "wasted"),
        "hours": _rows(found["hours"], "hour", "messages", "size"),
        "senders": sorted(found["sender"]["messages"].to_list(), reverse=True),
        "recipients": sorted(found["recipient"]["messages"].to_list(), reverse=True),
        "domains": sorted(found["domain"]["messages"].to_list(), reverse=True),
        "largest": sorted(found["largest"]["size"].to_list(), reverse=True),
        "sizes": _rows(found["sizes"], "size_class", "messages"),
    }
    print(json.dumps(answer))
