"""References compete for a key, and one of each key is active."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_KEY = ("survey", "family", "cell_order", "cell_number", "instrument", "band", "leaves_out")
_ACTIVE = sa.text("status = 'active'")
_COLUMNS = ("family", "instrument", "leaves_out", "status", "median_coverage", "is_thin")
_TO_ORDER_12 = 34
"""Bits between HEALPix numbers of order 29 and of order 12."""


def upgrade() -> None:
    # Columns are added in place: making the table anew would lose what difference runs refer to.
    for name in ("family", "instrument", "leaves_out"):
        op.add_column("reference_image", sa.Column(name, sa.Text(), nullable=False, server_default=""))
    op.add_column("reference_image", sa.Column("status", sa.Text(), nullable=False, server_default="retired"))
    op.add_column("reference_image", sa.Column("median_coverage", sa.Double(), nullable=True))
    op.add_column("reference_image", sa.Column("is_thin", sa.Boolean(), nullable=False, server_default=sa.false()))
    _name_families()
    op.create_index("ix_reference_image_status", "reference_image", ["status"])
    op.create_index(
        "uq_reference_image_active",
        "reference_image",
        list(_KEY),
        unique=True,
        sqlite_where=_ACTIVE,
        postgresql_where=_ACTIVE,
    )


def _name_families() -> None:
    """Make the newest version of each pointing the active one: what was left out of it nobody wrote down."""
    table = sa.table("reference_image", *(sa.column(name) for name in (*_KEY, "digest", "hpx29", "version", "status")))
    connection = op.get_bind()
    newest: dict[tuple[object, ...], str] = {}
    for row in connection.execute(sa.select(table).order_by(table.c.version, table.c.digest)).mappings().all():
        family = f"pointing-12/{row['hpx29'] >> _TO_ORDER_12}"
        change = sa.update(table).where(table.c.digest == row["digest"])
        connection.execute(change.values(family=family))
        newest[row["survey"], family, row["cell_order"], row["cell_number"], row["band"]] = row["digest"]
    for digest in newest.values():
        connection.execute(sa.update(table).where(table.c.digest == digest).values(status="active"))


def downgrade() -> None:
    op.drop_index("uq_reference_image_active", "reference_image")
    op.drop_index("ix_reference_image_status", "reference_image")
    for name in _COLUMNS:
        op.drop_column("reference_image", name)
