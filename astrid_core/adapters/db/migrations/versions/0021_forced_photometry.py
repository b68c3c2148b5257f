"""Objects have a brightness in every exposure that covers them, and in the references."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "forced_point",
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("difference_key", sa.Text(), nullable=False),
        sa.Column("observation_id", sa.Text(), nullable=False),
        sa.Column("reference_digest", sa.Text(), nullable=False),
        sa.Column("measured_ra_deg", sa.Double(), nullable=False),
        sa.Column("measured_dec_deg", sa.Double(), nullable=False),
        sa.Column("band", sa.Text(), nullable=False),
        sa.Column("mid_mjd", sa.Double(), nullable=False),
        sa.Column("zero_point_mag", sa.Double(), nullable=True),
        sa.Column("reference_scale", sa.Double(), nullable=True),
        sa.Column("flux", sa.Double(), nullable=True),
        sa.Column("flux_err", sa.Double(), nullable=True),
        sa.Column("masked_fraction", sa.Double(), nullable=False),
        sa.Column("unmeasured", sa.Text(), nullable=True),
        sa.Column("flags", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["catalog_entry.id"], name="fk_forced_point_entry_id"),
        sa.ForeignKeyConstraint(["difference_key"], ["difference_run.key"], name="fk_forced_point_difference_key"),
        sa.ForeignKeyConstraint(["observation_id"], ["observation.id"], name="fk_forced_point_observation_id"),
        sa.PrimaryKeyConstraint("entry_id", "difference_key", name="pk_forced_point"),
    )
    op.create_index("ix_forced_point_difference_key", "forced_point", ["difference_key"])
    op.create_table(
        "reference_flux",
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("reference_digest", sa.Text(), nullable=False),
        sa.Column("flux", sa.Double(), nullable=True),
        sa.Column("flux_err", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(["entry_id"], ["catalog_entry.id"], name="fk_reference_flux_entry_id"),
        sa.ForeignKeyConstraint(
            ["reference_digest"], ["reference_image.digest"], name="fk_reference_flux_reference_digest"
        ),
        sa.PrimaryKeyConstraint("entry_id", "reference_digest", name="pk_reference_flux"),
    )


def downgrade() -> None:
    op.drop_table("reference_flux")
    op.drop_index("ix_forced_point_difference_key", "forced_point")
    op.drop_table("forced_point")
