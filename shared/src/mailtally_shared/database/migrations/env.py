"""What Alembic runs around the scripts. The connection is handed in by ``upgrade``."""

from alembic import context

from mailtally_shared.database.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table="mail_traffic_version",
)
with context.begin_transaction():
    context.run_migrations()
