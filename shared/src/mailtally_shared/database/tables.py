"""The tables (DESIGN section 5). Counts are 64 bits wide everywhere.

    load    one row a loaded file                               1
    daily   what is charged, by day and domain         load_id  N   as the newest load has it
    detail  what was counted, by every key of a day                 same
    change  the audit: what a load changed, by domain  load_id  N

``load_id`` names no foreign key: it is written in the transaction that makes the
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

from mailtally_shared.database.types import UtcTime, ascii_text, row_id
from mailtally_shared.day_files.rows import MAX_DOMAIN, MAX_HOST, MAX_SERVICE, MAX_STATUS

METADATA = MetaData()

LOAD = Table(
    "mail_traffic_load",
    METADATA,
    Column("id", row_id(), primary_key=True),  # ascends: the day's highest is its newest
    Column("day", Date, nullable=False),
    # Of a bare file all these are null: it has no manifest.
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
)
Index("mail_traffic_load_day", LOAD.c.day, LOAD.c.id)

DAILY = Table(
    "mail_traffic_daily",
    METADATA,
    Column("day", Date),
    Column("domain", ascii_text(MAX_DOMAIN)),
    Column("bytes", BigInteger, nullable=False),
    Column("hits_all", BigInteger, nullable=False),
    Column("hits_html", BigInteger, nullable=False),
    Column("load_id", BigInteger, nullable=False),  # which gave the row these figures
    PrimaryKeyConstraint("day", "domain"),
    sqlite_with_rowid=False,
)

DETAIL = Table(
    "mail_traffic_detail",
    METADATA,
    Column("day", Date),
    Column("domain", ascii_text(MAX_DOMAIN)),
    Column("host", ascii_text(MAX_HOST)),
    Column("service", ascii_text(MAX_SERVICE)),
    Column("status", ascii_text(MAX_STATUS)),
    Column("messages", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("transferred", BigInteger, nullable=False),
    PrimaryKeyConstraint("day", "domain", "host", "service", "status"),
    sqlite_with_rowid=False,
)

CHANGE = Table(
    "mail_traffic_change",
    METADATA,
    Column("load_id", BigInteger),
    Column("domain", ascii_text(MAX_DOMAIN)),
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
