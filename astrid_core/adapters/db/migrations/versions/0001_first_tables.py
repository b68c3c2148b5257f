"""Every table of the first night."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TEXT, INTEGER, TIME = sa.Text(), sa.BigInteger(), sa.DateTime(timezone=True)
NUMBER: sa.Double[float] = sa.Double()
TABLES = (
    "observation",
    "rejection",
    "preprocess_run",
    "reference_image",
    "difference_run",
    "candidate",
    "model_run",
    "detection",
    "curator",
    "validation_event",
    "alert",
    "catalog_entry",
    "light_curve_point",
    "analytics",
    "export_job",
)


def upgrade() -> None:
    observations()
    preprocessing()
    references()
    differences()
    detections()
    curation()
    catalog()
    publications()


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)


def columns(kind: sa.types.TypeEngine[Any], *names: str, nullable: bool = False) -> list[sa.Column[Any]]:
    return [sa.Column(name, kind, nullable=nullable) for name in names]


def key(table: str, *names: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*names, name=f"pk_{table}")


def link(table: str, *names: str, to: tuple[str, ...]) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(names, to, name=f"fk_{table}_{'_'.join(names)}")


def index(table: str, *names: str) -> None:
    op.create_index(f"ix_{table}_{'_'.join(names)}", table, names)


def observations() -> None:
    op.create_table(
        "observation",
        *columns(TEXT, "id", "survey", "archive_id", "night", "file_digest", "wcs_origin"),
        *columns(TEXT, "band", "instrument", "object_name"),
        *columns(INTEGER, "extension", "hpx29", "width_pix", "height_pix"),
        *columns(NUMBER, "ra_deg", "dec_deg", "radius_deg", "pixel_scale_arcsec", "exposure_s", "mid_mjd"),
        *columns(NUMBER, "gain_e_adu", "read_noise_e", "saturation_adu", "zero_point_mag", nullable=True),
        key("observation", "id"),
    )
    index("observation", "hpx29")
    index("observation", "survey", "night")
    op.create_table(
        "rejection", *columns(TEXT, "survey", "archive_id", "reason"), key("rejection", "survey", "archive_id")
    )


def preprocessing() -> None:
    op.create_table(
        "preprocess_run",
        *columns(TEXT, "key", "status", "reason", "observation_id"),
        *columns(TEXT, "raw_digest", "raw_media_type", "image_digest", "image_media_type", nullable=True),
        *columns(TEXT, "wcs_origin", nullable=True),
        *columns(INTEGER, "raw_n_bytes", "image_n_bytes", "quality_n_stars", nullable=True),
        *columns(NUMBER, "wcs_pixel_scale_arcsec", "quality_fwhm_pix", "quality_psf_residual", nullable=True),
        *columns(NUMBER, "quality_sky", "quality_sky_rms", "quality_gain_e_count", nullable=True),
        *columns(NUMBER, "quality_saturation", "quality_masked_fraction", "quality_depth_mag", nullable=True),
        *columns(NUMBER, "elapsed_s"),
        key("preprocess_run", "key"),
        link("preprocess_run", "observation_id", to=("observation.id",)),
    )
    index("preprocess_run", "observation_id")


def references() -> None:
    op.create_table(
        "reference_image",
        *columns(TEXT, "digest", "media_type", "band", "survey", "recipe"),
        *columns(INTEGER, "n_bytes", "cell_order", "cell_number", "version", "hpx29"),
        *columns(NUMBER, "ra_deg", "dec_deg", "radius_deg", "fwhm_pix", "sky_rms", "elapsed_s"),
        *columns(NUMBER, "zero_point_mag", nullable=True),
        *columns(sa.JSON(), "inputs", "nights"),
        key("reference_image", "digest"),
    )
    index("reference_image", "hpx29")
    index("reference_image", "cell_order", "cell_number", "band")


def differences() -> None:
    op.create_table(
        "difference_run",
        *columns(TEXT, "key", "status", "reason", "preprocess_key", "observation_id"),
        *columns(TEXT, "reference_digest", "image_digest", "image_media_type", nullable=True),
        *columns(TEXT, "registration_method", nullable=True),
        *columns(INTEGER, "image_n_bytes", "registration_n_matched", nullable=True),
        *columns(NUMBER, "registration_offset_x_pix", "registration_offset_y_pix", nullable=True),
        *columns(NUMBER, "registration_rms_pix", "flux_ratio", "score_noise", nullable=True),
        *columns(INTEGER, "n_usable_pix"),
        *columns(NUMBER, "elapsed_s"),
        key("difference_run", "key"),
        link("difference_run", "preprocess_key", to=("preprocess_run.key",)),
        link("difference_run", "observation_id", to=("observation.id",)),
        link("difference_run", "reference_digest", to=("reference_image.digest",)),
    )
    for name in ("preprocess_key", "observation_id", "reference_digest"):
        index("difference_run", name)
    op.create_table(
        "candidate",
        *columns(TEXT, "run"),
        *columns(INTEGER, "number", "flags"),
        *columns(INTEGER, "hpx29", nullable=True),
        *columns(NUMBER, "ra_deg", "dec_deg", nullable=True),
        *columns(NUMBER, "x_pix", "y_pix", "score", "flux", "flux_err", "fwhm_pix", "ellipticity"),
        key("candidate", "run", "number"),
        link("candidate", "run", to=("difference_run.key",)),
    )
    index("candidate", "hpx29")


def detections() -> None:
    op.create_table(
        "model_run",
        *columns(TEXT, "key", "status", "reason", "difference_key", "observation_id", "model"),
        *columns(NUMBER, "elapsed_s"),
        key("model_run", "key"),
        link("model_run", "difference_key", to=("difference_run.key",)),
        link("model_run", "observation_id", to=("observation.id",)),
    )
    index("model_run", "difference_key")
    index("model_run", "observation_id")
    op.create_table(
        "detection",
        *columns(TEXT, "model_run", "difference_key", "unscored_reason"),
        *columns(INTEGER, "number"),
        *columns(NUMBER, "score", nullable=True),
        key("detection", "model_run", "number"),
        link("detection", "model_run", to=("model_run.key",)),
        link("detection", "difference_key", "number", to=("candidate.run", "candidate.number")),
    )


def curation() -> None:
    op.create_table("curator", *columns(TEXT, "login", "role"), key("curator", "login"))
    op.create_table(
        "validation_event",
        *columns(sa.Uuid(), "id"),
        *columns(TEXT, "detection_id", "curator", "verdict", "comment"),
        *columns(TIME, "at"),
        *columns(sa.Uuid(), "supersedes", nullable=True),
        key("validation_event", "id"),
        link("validation_event", "curator", to=("curator.login",)),
        link("validation_event", "supersedes", to=("validation_event.id",)),
    )
    index("validation_event", "detection_id")
    op.create_table(
        "alert",
        *columns(TEXT, "detection_id", "channel"),
        *columns(NUMBER, "score"),
        key("alert", "detection_id", "channel"),
    )
    index("alert", "channel", "score")


def catalog() -> None:
    op.create_table(
        "catalog_entry",
        *columns(sa.Uuid(), "id"),
        *columns(INTEGER, "hpx29", "n_detections"),
        *columns(NUMBER, "ra_deg", "dec_deg", "first_mjd", "last_mjd", "best_score", "peak_significance"),
        *columns(TEXT, "status"),
        key("catalog_entry", "id"),
    )
    index("catalog_entry", "hpx29")
    op.create_table(
        "light_curve_point",
        *columns(TEXT, "detection_id", "observation_id", "reference_digest", "band"),
        *columns(sa.Uuid(), "entry_id"),
        *columns(INTEGER, "hpx29"),
        *columns(NUMBER, "ra_deg", "dec_deg", "mid_mjd", "flux", "flux_err", "significance", "score"),
        *columns(NUMBER, "mag_ab", "mag_err", nullable=True),
        key("light_curve_point", "detection_id"),
        link("light_curve_point", "entry_id", to=("catalog_entry.id",)),
        link("light_curve_point", "observation_id", to=("observation.id",)),
    )
    for name in ("entry_id", "observation_id", "hpx29"):
        index("light_curve_point", name)


def publications() -> None:
    op.create_table(
        "analytics",
        *columns(TEXT, "key", "survey", "night"),
        *columns(sa.JSON(), "facts"),
        key("analytics", "key"),
    )
    index("analytics", "survey", "night")
    op.create_table(
        "export_job",
        *columns(TEXT, "key"),
        *columns(sa.JSON(), "files"),
        *columns(INTEGER, "n_entries", "n_points"),
        key("export_job", "key"),
    )
