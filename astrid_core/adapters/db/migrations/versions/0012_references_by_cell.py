"""An exposure is compared with the references of all cells that it touches."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_references = sa.table("reference_image", sa.column("family", sa.Text()), sa.column("status", sa.Text()))


def upgrade() -> None:
    op.create_table(
        "neighbour_reference",
        sa.Column("run", sa.Text(), sa.ForeignKey("difference_run.key"), primary_key=True),
        sa.Column("number", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("reference_digest", sa.Text(), sa.ForeignKey("reference_image.digest"), nullable=False),
    )
    op.create_index("ix_neighbour_reference_reference_digest", "neighbour_reference", ["reference_digest"])
    # References by pointing lie on pixels of their own, and nothing built from now on would take their place.
    op.execute(
        sa.update(_references)
        .where(_references.c.family.like("pointing-%"), _references.c.status == "active")
        .values(status="retired")
    )


def downgrade() -> None:
    op.drop_index("ix_neighbour_reference_reference_digest", "neighbour_reference")
    op.drop_table("neighbour_reference")
