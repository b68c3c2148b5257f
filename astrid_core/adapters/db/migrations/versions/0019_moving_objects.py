"""Objects have position errors, may move, and name who has taken their place; points name their zero point."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0017"
branch_labels = None
depends_on = None

_NEW: tuple[tuple[str, str, type[sa.types.TypeEngine[object]]], ...] = (
    ("catalog_entry", "position_err_arcsec", sa.Float),
    ("catalog_entry", "motion_rate_arcsec_h", sa.Float),
    ("catalog_entry", "motion_angle_deg", sa.Float),
    ("catalog_entry", "successor", sa.Uuid),
    ("light_curve_point", "position_err_arcsec", sa.Float),
    ("light_curve_point", "zero_point_mag", sa.Float),
)
"""All of it is unknown of what was published before."""


def upgrade() -> None:
    for table, name, kind in _NEW:
        op.add_column(table, sa.Column(name, kind(), nullable=True))


def downgrade() -> None:
    for table, name, _ in reversed(_NEW):
        op.drop_column(table, name)
