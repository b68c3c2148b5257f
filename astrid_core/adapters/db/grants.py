"""What the role of PostgreSQL that the application logs in as may do with the log: add to it and read it.

Triggers refuse changes already, but whoever owns a table may drop them: so the owner makes the schema, and the
application logs in as another role.
"""

from sqlalchemy import Connection, text

from astrid_core.adapters.db.engine import address_of, open_engine
from astrid_core.adapters.db.errors import translated
from astrid_core.shared.errors import BadConfiguration

APPEND_ONLY = ("domain_event", "validation_event")
"""Tables of which no row may ever change."""


def protect(url: str, role: str) -> None:
    """Grant ``role`` all that the application needs, and no change of the log; done again after every migration.

    ``url`` logs in as the owner of the tables. BadConfiguration on SQLite, and for a role that no grant could bind.
    """
    engine = open_engine(url)
    try:
        if engine.dialect.name == "sqlite":
            raise BadConfiguration("SQLite knows no roles: whoever may write the file may change it")
        with translated(address_of(engine)), engine.begin() as connection:
            _require_bound(connection, role)
            _grant(connection, engine.dialect.identifier_preparer.quote(role))
    finally:
        engine.dispose()


def _require_bound(connection: Connection, role: str) -> None:
    found = connection.execute(text("SELECT rolsuper FROM pg_roles WHERE rolname = :role"), {"role": role}).all()
    if not found:
        raise BadConfiguration("database has no such role", role=role)
    owns = text(
        "SELECT count(*) FROM pg_tables WHERE tablename = ANY(:tables) AND schemaname = current_schema()"
        " AND pg_has_role(:role, tableowner, 'MEMBER')"
    )
    if found[0].rolsuper or connection.scalar(owns, {"tables": list(APPEND_ONLY), "role": role}):
        raise BadConfiguration("role owns the log, and no grant binds an owner: use another one", role=role)


def _grant(connection: Connection, quoted: str) -> None:
    schema = connection.dialect.identifier_preparer.quote(str(connection.scalar(text("SELECT current_schema()"))))
    tables = ", ".join(f"{schema}.{table}" for table in APPEND_ONLY)
    for statement in (
        f"GRANT USAGE ON SCHEMA {schema} TO {quoted}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {quoted}",
        f"REVOKE UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON {tables} FROM {quoted}, PUBLIC",
        f"REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON {schema}.alembic_version FROM {quoted}, PUBLIC",
    ):
        connection.execute(text(statement))
