"""Where alembic finds the connection: the program hands over its own, inside a transaction."""

from __future__ import annotations

from alembic import context

from storage.tables import Table
from storage.tables.base import complete

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=complete(Table.metadata),
    render_as_batch=True,
    compare_type=True,
    transactional_ddl=False,  # the caller's transaction holds all migrations together
)
context.run_migrations()
