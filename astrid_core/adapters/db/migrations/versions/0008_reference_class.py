"""Of which mission and class each reference is, and which maps lie beside an exposure."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("observation", sa.Column("companions", sa.Text(), nullable=True))
    op.add_column("reference_image", sa.Column("mission", sa.Text(), nullable=True))
    op.add_column("reference_image", sa.Column("pixel_scale_arcsec", sa.Double(), nullable=True))
    op.add_column("reference_image", sa.Column("reference_class", sa.Text(), nullable=True))


def downgrade() -> None:
    for name in ("mission", "pixel_scale_arcsec", "reference_class"):
        op.drop_column("reference_image", name)
    op.drop_column("observation", "companions")
