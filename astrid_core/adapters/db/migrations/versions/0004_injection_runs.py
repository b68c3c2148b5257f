"""Searches with injected sources, in a table of their own."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "injection_run",
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in ("key", "status", "reason", "difference_key", "observation_id", "model")
        ),
        sa.Column("n_injected", sa.BigInteger(), nullable=False),
        sa.Column("quality", sa.JSON(), nullable=False),
        sa.Column("injections_digest", sa.Text(), nullable=True),
        sa.Column("injections_media_type", sa.Text(), nullable=True),
        sa.Column("injections_n_bytes", sa.BigInteger(), nullable=True),
        sa.Column("curves_digest", sa.Text(), nullable=True),
        sa.Column("curves_media_type", sa.Text(), nullable=True),
        sa.Column("curves_n_bytes", sa.BigInteger(), nullable=True),
        sa.Column("elapsed_s", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_injection_run"),
        sa.ForeignKeyConstraint(
            ["difference_key"], ["difference_run.key"], name="fk_injection_run_difference_key_difference_run"
        ),
        sa.ForeignKeyConstraint(
            ["observation_id"], ["observation.id"], name="fk_injection_run_observation_id_observation"
        ),
    )
    op.create_index("ix_injection_run_difference_key", "injection_run", ["difference_key"])
    op.create_index("ix_injection_run_observation_id", "injection_run", ["observation_id"])


def downgrade() -> None:
    op.drop_table("injection_run")
