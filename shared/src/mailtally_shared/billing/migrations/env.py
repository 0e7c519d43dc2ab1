"""The environment of the migration scripts. ``upgrade`` passes the connection."""

from alembic import context

from mailtally_shared.billing.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table="mail_traffic_version",
)
with context.begin_transaction():
    context.run_migrations()
