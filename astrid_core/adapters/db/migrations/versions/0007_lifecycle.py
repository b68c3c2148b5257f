"""Files that did not come, what is set aside, and exposures that are done anew."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def _texts(*names: str) -> tuple[sa.Column[str], ...]:
    return tuple(sa.Column(name, sa.Text(), nullable=False) for name in names)


def upgrade() -> None:
    op.create_table(
        "undelivered_file",
        *_texts("survey", "archive_id", "reason", "version"),
        sa.Column("n_attempts", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("survey", "archive_id", name="pk_undelivered_file"),
    )
    op.create_table(
        "quarantine",
        *_texts("survey", "archive_id", "instrument", "reason", "actor"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("survey", "archive_id", "instrument", name="pk_quarantine"),
    )
    op.create_table(
        "processing_round",
        *_texts("observation_id"),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("observation_id", name="pk_processing_round"),
        sa.ForeignKeyConstraint(
            ["observation_id"], ["observation.id"], name="fk_processing_round_observation_id_observation"
        ),
    )
    op.add_column("preprocess_run", sa.Column("processing_round", sa.BigInteger(), nullable=False, server_default="0"))


def downgrade() -> None:
    op.drop_column("preprocess_run", "processing_round")
    for name in ("processing_round", "quarantine", "undelivered_file"):
        op.drop_table(name)
