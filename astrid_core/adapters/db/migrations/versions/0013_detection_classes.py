"""Detections carry how uncertain their score is, how strange they are, and what they are."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_NAMES = ("uncertainty", "anomaly", "kind")


def upgrade() -> None:
    for name in _NAMES[:2]:
        op.add_column("detection", sa.Column(name, sa.Double(), nullable=True))
    op.add_column("detection", sa.Column("kind", sa.Text(), nullable=True))


def downgrade() -> None:
    for name in _NAMES:
        op.drop_column("detection", name)
