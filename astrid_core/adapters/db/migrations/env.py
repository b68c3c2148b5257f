"""How Alembic reaches the database: on the connection that ``migrate`` has opened and locked."""

from alembic import context

from astrid_core.adapters.db.rows.every import TABLES

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=TABLES,
    render_as_batch=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
