"""The event log, and triggers that refuse to rewrite what was said."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

APPEND_ONLY = {"domain_event": "sequence", "validation_event": "id"}
"""Table to its key."""


def upgrade() -> None:
    op.create_table(
        "domain_event",
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("name", "subject", "actor")),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("previous", "digest")),
        sa.PrimaryKeyConstraint("sequence", name="pk_domain_event"),
        sa.UniqueConstraint("previous", name="uq_domain_event_previous"),
        sa.UniqueConstraint("digest", name="uq_domain_event_digest"),
    )
    op.create_index("ix_domain_event_subject", "domain_event", ["subject"])
    if op.get_context().dialect.name == "sqlite":
        refuse_on_sqlite()
    else:
        refuse_on_postgresql()


def downgrade() -> None:
    if op.get_context().dialect.name == "sqlite":
        for table in APPEND_ONLY:
            for doing in ("update", "delete", "replace"):
                op.execute(f"DROP TRIGGER {table}_refuses_{doing}")
    else:
        for table in APPEND_ONLY:
            op.execute(f"DROP TRIGGER {table}_refuses_change ON {table}")
            op.execute(f"DROP TRIGGER {table}_refuses_truncate ON {table}")
        op.execute("DROP FUNCTION refuse_change()")
    op.drop_table("domain_event")


def refuse_on_sqlite() -> None:
    for table, key in APPEND_ONLY.items():
        for doing in ("update", "delete"):
            op.execute(
                f"CREATE TRIGGER {table}_refuses_{doing} BEFORE {doing.upper()} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
        # INSERT OR REPLACE deletes without telling the trigger on DELETE: a known key is left as it is.
        op.execute(
            f"CREATE TRIGGER {table}_refuses_replace BEFORE INSERT ON {table} "  # noqa: S608 - names from above
            f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {key} = NEW.{key}) "
            "BEGIN SELECT RAISE(IGNORE); END"
        )


def refuse_on_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$"
    )
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_refuses_change BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_refuses_truncate BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
