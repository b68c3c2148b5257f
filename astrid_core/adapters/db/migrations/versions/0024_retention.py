"""Difference images may be dropped where it is on record how they are made again."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "difference_recipe",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("software", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_difference_recipe"),
    )
    op.create_table(
        "dropped_image",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("n_bytes", sa.BigInteger(), nullable=False),
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["run"], ["difference_run.key"], name="fk_dropped_image_run"),
        sa.PrimaryKeyConstraint("digest", name="pk_dropped_image"),
    )


def downgrade() -> None:
    op.drop_table("dropped_image")
    op.drop_table("difference_recipe")
