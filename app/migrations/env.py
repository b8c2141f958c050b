"""Run by alembic, with the connection that app/migrate.py hands over."""

from alembic import context

from app.schema import METADATA

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=METADATA,
    compare_type=True,
    render_as_batch=connection.dialect.name == "sqlite",  # SQLite alters a table by making it anew
)
context.run_migrations()
