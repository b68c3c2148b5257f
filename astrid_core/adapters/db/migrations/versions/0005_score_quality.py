"""How each difference was made, and how far its score may be believed."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_TEXTS = ("score_level", "score_reason", "method", "method_reason")


def upgrade() -> None:
    op.add_column("difference_run", sa.Column("source_noise", sa.Double(), nullable=True))
    for name in _TEXTS:
        op.add_column("difference_run", sa.Column(name, sa.Text(), nullable=True))


def downgrade() -> None:
    for name in ("source_noise", *_TEXTS):
        op.drop_column("difference_run", name)
