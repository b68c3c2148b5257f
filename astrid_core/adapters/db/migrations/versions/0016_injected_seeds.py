"""Injected sources that are shown as if they were detections have a table of their own."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

TABLE = "injected_seed"
TEXT, INTEGER = sa.Text(), sa.BigInteger()
NUMBER: sa.Double[float] = sa.Double()
OF = {
    "injection_run": "injection_run.key",
    "model_run": "model_run.key",
    "difference_key": "difference_run.key",
    "observation_id": "observation.id",
}
"""Columns that name something, and what."""


def upgrade() -> None:
    op.create_table(
        TABLE,
        *columns(TEXT, "detection_id", *OF, "survey", "night", "band", "reference_digest"),
        *columns(TEXT, "light_digest", "light_media_type"),
        *columns(TEXT, "kind", nullable=True),
        *columns(INTEGER, "number", "shuffle", "n_needed", "flags", "light_n_bytes"),
        *columns(INTEGER, "hpx29", nullable=True),
        *columns(NUMBER, "score", "x_pix", "y_pix", "x_err_pix", "y_err_pix", "significance", "flux", "flux_err"),
        *columns(NUMBER, "chi2", "fwhm_pix", "ellipticity", "predicted_snr"),
        *columns(NUMBER, "uncertainty", "anomaly", "ra_deg", "dec_deg", "mag_ab", "mag_err", nullable=True),
        sa.PrimaryKeyConstraint("detection_id", name=f"pk_{TABLE}"),
        *(sa.ForeignKeyConstraint([name], [target], name=f"fk_{TABLE}_{name}") for name, target in OF.items()),
    )
    for names in (["injection_run"], ["hpx29"], ["night", "shuffle"], ["shuffle"]):
        op.create_index(f"ix_{TABLE}_{'_'.join(names)}", TABLE, names)


def downgrade() -> None:
    op.drop_table(TABLE)


def columns(kind: sa.types.TypeEngine[Any], *names: str, nullable: bool = False) -> list[sa.Column[Any]]:
    return [sa.Column(name, kind, nullable=nullable) for name in names]
