"""The four tables, and a view in kilobytes for people who write SQL.

Revision ID: 0002; 0001 was the first edition's, which no upgrade leads from.
"""

import sqlalchemy as sa
from alembic import op

from mailtally_shared.billing.types import UtcTime, ascii_text, row_id

revision = "0002"
down_revision = None

# 1/1024 ends within ten decimals, so xfer_kb is exact in each of these.
_KILOBYTES = {
    "sqlite": "printf('%d.%010d', bytes / 1024, bytes % 1024 * 9765625)",
    "postgresql": "CAST(bytes AS NUMERIC) * 0.0009765625",
    "mariadb": "CAST(CAST(bytes AS DECIMAL(20)) * 0.0009765625 AS DECIMAL(30, 10))",
}
_KILOBYTES["mysql"] = _KILOBYTES["mariadb"]


def upgrade() -> None:
    """Create the tables and the view."""
    _create_load()
    _create_daily()
    _create_detail()
    _create_change()
    kilobytes = _KILOBYTES[op.get_context().dialect.name]
    op.execute(
        "CREATE VIEW mail_traffic_daily_kb AS "  # noqa: S608 - the variable part is a constant above
        f"SELECT day, domain, {kilobytes} AS xfer_kb, hits_all, hits_html FROM mail_traffic_daily"
    )


def _counts(*names: str, nullable: bool = False) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger, nullable=nullable) for name in names]


def _create_load() -> None:
    op.create_table(
        "mail_traffic_load",
        sa.Column("id", row_id(), primary_key=True),
        sa.Column("day", sa.Date, nullable=False),
        *_counts("revision", nullable=True),
        sa.Column("timezone", ascii_text(64)),
        sa.Column("complete", sa.Boolean),
        sa.Column("missing_hosts", sa.JSON(none_as_null=True)),
        sa.Column("policy", sa.JSON(none_as_null=True)),
        sa.Column("breakdown_sha256", ascii_text(64)),
        *_counts("breakdown_rows", "total_messages", "total_bytes", nullable=True),
        sa.Column("qml_sha256", ascii_text(64), nullable=False),
        *_counts("qml_rows", "bytes", "hits_all", "hits_html"),
        sa.Column("loaded_at", UtcTime, nullable=False),
    )
    op.create_index("mail_traffic_load_day", "mail_traffic_load", ["day", "id"])


def _create_daily() -> None:
    op.create_table(
        "mail_traffic_daily",
        sa.Column("day", sa.Date),
        sa.Column("domain", ascii_text(253)),
        *_counts("bytes", "hits_all", "hits_html", "load_id"),
        sa.PrimaryKeyConstraint("day", "domain"),
        sqlite_with_rowid=False,
    )


def _create_detail() -> None:
    op.create_table(
        "mail_traffic_detail",
        sa.Column("day", sa.Date),
        sa.Column("domain", ascii_text(253)),
        sa.Column("collector", ascii_text(255)),
        sa.Column("host", ascii_text(255)),
        sa.Column("service", ascii_text(16)),
        sa.Column("status", ascii_text(32)),
        *_counts("messages", "bytes", "transferred"),
        sa.PrimaryKeyConstraint("day", "domain", "collector", "host", "service", "status"),
        sqlite_with_rowid=False,
    )


def _create_change() -> None:
    op.create_table(
        "mail_traffic_change",
        *_counts("load_id"),
        sa.Column("domain", ascii_text(253)),
        *_counts("old_bytes", "old_hits_all", "old_hits_html", nullable=True),
        *_counts("new_bytes", "new_hits_all", "new_hits_html", nullable=True),
        sa.PrimaryKeyConstraint("load_id", "domain"),
        sqlite_with_rowid=False,
    )
