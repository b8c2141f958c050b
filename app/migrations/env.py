"""Run by alembic, with the connection that app/migrate.py hands over."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext

from app.runtime.db import Json, Moment
from app.schema import METADATA


def render(kind: str, value: Any, autogen: AutogenContext) -> str | Literal[False]:
    """Our two column types by their names."""
    name = "Moment" if isinstance(value, Moment) else "Json" if value is Json else ""
    if kind != "type" or not name:
        return False
    autogen.imports.add("from app.runtime.db import Json, Moment")
    return name


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=METADATA,
    compare_type=True,
    render_item=render,
    render_as_batch=connection.dialect.name == "sqlite",  # SQLite alters a table by making it anew
)
context.run_migrations()
