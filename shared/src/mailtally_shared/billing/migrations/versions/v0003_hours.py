"""The table of hours, and what a load says of them.

Revision ID: 0003.
"""

import sqlalchemy as sa
from alembic import op

from mailtally_shared.billing.types import UtcTime, ascii_text

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create the table; days loaded before have no hours."""
    op.add_column("mail_traffic_load", sa.Column("hours", ascii_text(8)))
    op.add_column("mail_traffic_load", sa.Column("hours_sha256", ascii_text(64)))
    op.create_table(
        "mail_traffic_hourly",
        sa.Column("day", sa.Date),
        sa.Column("domain", ascii_text(253)),
        sa.Column("hour", UtcTime),
        sa.Column("service", ascii_text(16)),
        sa.Column("messages", sa.BigInteger, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("transferred", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("day", "domain", "hour", "service"),
        sqlite_with_rowid=False,
    )
