"""From each version of the tables to the next; `versions/` holds one step a file.

A step is never changed once it was released. On SQLite a table that is changed is made anew and copied, so a
step that changes the audit log has to make its triggers anew too. A step behind 0006 that changes what is in
rows notes that in the text "unbound", as 0006 does: whoever opens the record then binds it to its log anew.
"""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from typing import Any, Final

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import JSON, Connection, LargeBinary, String, inspect, text

from mien.store.schema import VERSION_TABLE, Base

# Alembic's `op` belongs to the whole process.
_one_at_a_time: Final = Lock()


def revisions() -> list[str]:
    """Return all versions of the tables, the oldest first."""
    return [each.revision for each in reversed(list(_steps().walk_revisions()))]


def migrate(connection: Connection, to: str = "head") -> None:
    """Bring the tables to a version, inside the transaction that the connection is in.

    Args:
        connection: in a transaction beside which nobody else can write.
        to: one of `revisions`, or "head".
    """
    steps = _steps()

    def upgrade(current: Any, _: MigrationContext) -> Any:
        return steps._upgrade_revs(to, current)

    with _one_at_a_time:
        context = MigrationContext.configure(
            connection,
            opts={"fn": upgrade, "target_metadata": Base.metadata, "version_table": VERSION_TABLE},
        )
        with Operations.context(context):
            context.run_migrations()
    if connection.dialect.name == "postgresql":
        _keep_no_samples(connection)


def _keep_no_samples(connection: Connection) -> None:
    """Keep PostgreSQL from copying texts and readings into its statistics, where erase doesn't reach."""
    look = inspect(connection)
    for table in sorted(set(look.get_table_names()) & set(Base.metadata.tables)):
        for column in look.get_columns(table):
            if isinstance(column["type"], String | JSON | LargeBinary):
                name = f"{table} ALTER COLUMN {column['name']}"
                connection.execute(text(f"ALTER TABLE {name} SET STATISTICS 0"))


def _steps() -> ScriptDirectory:
    return ScriptDirectory(str(Path(__file__).parent))
