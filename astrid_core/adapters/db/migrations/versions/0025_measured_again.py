"""Brightnesses that another run has measured again keep the name by which they found objects."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("light_curve_point", sa.Column("root_id", sa.Text(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("light_curve_point") as table:
        table.drop_column("root_id")
