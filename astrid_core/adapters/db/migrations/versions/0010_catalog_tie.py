"""What was measured of an exposure against a star catalog."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("preprocess_run", sa.Column("tie", sa.JSON(), nullable=True))


def downgrade() -> None:
    op.drop_column("preprocess_run", "tie")
