"""Calibration frames and masters, and which of them a preparation used."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_FRAME_TEXTS = (
    "id",
    "survey",
    "archive_id",
    "night",
    "file_digest",
    "kind",
    "instrument",
    "detector",
    "binning",
    "band",
)
_MASTER_TEXTS = (
    "media_type",
    "kind",
    "survey",
    "instrument",
    "detector",
    "binning",
    "band",
    "status",
    "reason",
    "recipe",
)
_OBSERVATION_TEXTS = {"detector": "", "binning": "1x1", "calibrated_by": ""}


def upgrade() -> None:
    op.create_table(
        "calibration_frame",
        *(sa.Column(name, sa.Text(), nullable=False) for name in _FRAME_TEXTS),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("extension", "width_pix", "height_pix")),
        sa.Column("exposure_s", sa.Double(), nullable=False),
        sa.Column("mid_mjd", sa.Double(), nullable=False),
        sa.Column("saturation_adu", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_calibration_frame"),
    )
    op.create_index("ix_calibration_frame_survey_night", "calibration_frame", ["survey", "night"])
    op.create_table(
        "calibration_data",
        sa.Column("digest", sa.Text(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in _MASTER_TEXTS),
        *(
            sa.Column(name, sa.BigInteger(), nullable=False)
            for name in ("n_bytes", "width_pix", "height_pix", "version")
        ),
        *(
            sa.Column(name, sa.Double(), nullable=False)
            for name in ("valid_from_mjd", "valid_to_mjd", "mid_mjd", "level", "scatter", "elapsed_s")
        ),
        sa.Column("deviating_fraction", sa.Double(), nullable=True),
        sa.Column("inputs", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_calibration_data"),
    )
    op.create_index("ix_calibration_data_survey_instrument", "calibration_data", ["survey", "instrument"])
    for name, before in _OBSERVATION_TEXTS.items():
        op.add_column("observation", sa.Column(name, sa.Text(), nullable=False, server_default=before))
    op.add_column("preprocess_run", sa.Column("calibration", sa.Text(), nullable=False, server_default=""))
    op.add_column("preprocess_run", sa.Column("masters", sa.JSON(), nullable=False, server_default="[]"))


def downgrade() -> None:
    for name in ("masters", "calibration"):
        op.drop_column("preprocess_run", name)
    for name in _OBSERVATION_TEXTS:
        op.drop_column("observation", name)
    op.drop_table("calibration_data")
    op.drop_table("calibration_frame")
