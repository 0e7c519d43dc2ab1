"""The tables of the billing database. Counts are 64 bits wide everywhere.

    load    one row per loaded file                             1
    daily   charged, by day and domain                 load_id  N   as of the newest load
    detail  counted, by every key of a day                          same
    hourly  counted, by hour, domain and service                    same, until hours_retention
    change  the audit: what a load changed, by domain  load_id  N

``load_id`` has no foreign key: it is written in the transaction that creates the
load, loads are never deleted, and a check for each of a million rows would double
the time of a load.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    Index,
    MetaData,
    PrimaryKeyConstraint,
    Table,
)

from mailtally_shared.billing.types import UtcTime, ascii_text, row_id
from mailtally_shared.schema import DIMENSIONS, KEY, MEASURES

#: The newest migration: asking Alembic for it would take a command half a second.
SCHEMA = "0003"

METADATA = MetaData()
_MAX_DOMAIN = DIMENSIONS["domain"].longest

LOAD = Table(
    "mail_traffic_load",
    METADATA,
    Column("id", row_id(), primary_key=True),  # ascending: the highest of a day is its newest load
    Column("day", Date, nullable=False),
    # Null for a bare file, which has no manifest: the columns up to total_bytes.
    Column("revision", BigInteger),
    Column("timezone", ascii_text(64)),
    Column("complete", Boolean),
    Column("missing_hosts", JSON(none_as_null=True)),
    Column("policy", JSON(none_as_null=True)),
    Column("breakdown_sha256", ascii_text(64)),
    Column("breakdown_rows", BigInteger),
    Column("total_messages", BigInteger),
    Column("total_bytes", BigInteger),
    Column("qml_sha256", ascii_text(64), nullable=False),
    Column("qml_rows", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),  # charged
    Column("hits_all", BigInteger, nullable=False),
    Column("hits_html", BigInteger, nullable=False),
    Column("loaded_at", UtcTime, nullable=False),
    # Whole or partial; null where no hours of the day are known.
    Column("hours", ascii_text(8)),
    Column("hours_sha256", ascii_text(64)),
)
Index("mail_traffic_load_day", LOAD.c.day, LOAD.c.id)

DAILY = Table(
    "mail_traffic_daily",
    METADATA,
    Column("day", Date),
    Column("domain", ascii_text(_MAX_DOMAIN)),
    Column("bytes", BigInteger, nullable=False),
    Column("hits_all", BigInteger, nullable=False),
    Column("hits_html", BigInteger, nullable=False),
    Column("load_id", BigInteger, nullable=False),  # the load that gave the row these figures
    PrimaryKeyConstraint("day", "domain"),
    sqlite_with_rowid=False,
)

DETAIL = Table(
    "mail_traffic_detail",
    METADATA,
    Column("day", Date),
    *(Column(name, ascii_text(dimension.longest)) for name, dimension in DIMENSIONS.items()),
    *(Column(name, BigInteger, nullable=False) for name in MEASURES),
    PrimaryKeyConstraint("day", *KEY),
    sqlite_with_rowid=False,
)

#: The key of a day's rows by hour, in the order of the file.
HOURLY_KEY = ("domain", "hour", "service")
HOURLY = Table(
    "mail_traffic_hourly",
    METADATA,
    Column("day", Date),
    Column("domain", ascii_text(_MAX_DOMAIN)),
    Column("hour", UtcTime),  # its beginning: where the clock is put back, both stay distinct
    Column("service", ascii_text(DIMENSIONS["service"].longest)),
    *(Column(name, BigInteger, nullable=False) for name in MEASURES),
    PrimaryKeyConstraint("day", *HOURLY_KEY),
    sqlite_with_rowid=False,
)

CHANGE = Table(
    "mail_traffic_change",
    METADATA,
    Column("load_id", BigInteger),
    Column("domain", ascii_text(_MAX_DOMAIN)),
    # Null on the old side: the domain came; on the new side: it went.
    Column("old_bytes", BigInteger),
    Column("old_hits_all", BigInteger),
    Column("old_hits_html", BigInteger),
    Column("new_bytes", BigInteger),
    Column("new_hits_all", BigInteger),
    Column("new_hits_html", BigInteger),
    PrimaryKeyConstraint("load_id", "domain"),
    sqlite_with_rowid=False,
)
