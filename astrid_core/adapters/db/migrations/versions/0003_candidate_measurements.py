"""Errors of a candidate's position, and how well a point source explains it."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

COLUMNS = ("x_err_pix", "y_err_pix", "chi2")
"""NULL in the candidates that are there already: nobody measured them."""


def upgrade() -> None:
    for name in COLUMNS:
        op.add_column("candidate", sa.Column(name, sa.Double(), nullable=True))


def downgrade() -> None:
    for name in reversed(COLUMNS):
        op.drop_column("candidate", name)
