"""What is known about objects from elsewhere, and what they are taken for."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "entry_context",
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("object_class", "reason")),
        *(sa.Column(name, sa.JSON(), nullable=False) for name in ("matches", "looked_in")),
        sa.PrimaryKeyConstraint("entry_id", name="pk_entry_context"),
        sa.ForeignKeyConstraint(["entry_id"], ["catalog_entry.id"], name="fk_entry_context_entry_id_catalog_entry"),
    )
    op.create_index("ix_entry_context_object_class", "entry_context", ["object_class"])


def downgrade() -> None:
    op.drop_table("entry_context")
