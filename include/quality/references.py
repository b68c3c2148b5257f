"""What must be true of references that were built before anybody is told that they can be compared with."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import great_expectations.expectations as gxe
import pandas as pd
from great_expectations.expectations.row_conditions import Column

from astrid_core.differencing.config import ReferenceConfig
from astrid_core.differencing.entities import ReferenceImage, ReferenceKey, ReferenceStatus
from include.quality.gate import check_table

_HUGE = 1e30
"""No level of an image is larger; what is, is an overflow."""
_NIGHT = r"\d{4}-\d{2}-\d{2}"
_ZERO_POINTS_MAG = (-30.0, 50.0)
"""AB magnitudes of one count: -21 where counts are erg/s/cm2/A, some 40 where they are the photons of a long night."""


def check_references(
    built: Sequence[ReferenceImage],
    n_active: Mapping[ReferenceKey, int],
    config: ReferenceConfig,
    *,
    is_automatic: bool,
    about: str = "",
    docs: Path | None = None,
) -> int:
    """Return how many references passed; GateClosed names the first that did not.

    ``n_active`` counts those in use of every key of ``built``: never two, and one unless people decide
    (not ``is_automatic``) or have set the reference aside.
    """
    return check_table(
        _table(built, n_active, config), "references", _expectations(config, is_automatic=is_automatic),
        row_name="digest", about=about, docs=docs,
    )  # fmt: skip


def _table(
    built: Sequence[ReferenceImage], n_active: Mapping[ReferenceKey, int], config: ReferenceConfig
) -> pd.DataFrame:
    rows = [
        {
            "digest": one.digest,
            "status": str(one.status),
            "version": one.version,
            "n_active": n_active.get(one.key, 0),
            "n_inputs": len(one.inputs),
            "n_different_inputs": len(set(one.inputs)),
            "nights": " ".join(one.nights),
            "n_nights": len(one.nights),
            "is_thin": one.is_thin,
            "has_few_inputs": len(one.inputs) < config.min_inputs,
            "median_coverage": one.median_coverage,
            "fwhm_pix": one.fwhm_pix,
            "sky_rms": one.sky_rms,
            "ra_deg": one.position.ra_deg,
            "dec_deg": one.position.dec_deg,
            "radius_deg": one.radius_deg,
            "pixel_scale_arcsec": one.pixel_scale_arcsec,
            "zero_point_mag": one.zero_point_mag,
        }
        for one in built
    ]
    return pd.DataFrame(rows)


def _expectations(config: ReferenceConfig, *, is_automatic: bool) -> list[gxe.Expectation]:
    needed = ("digest", "status", "median_coverage", "fwhm_pix", "sky_rms", "ra_deg", "dec_deg", "radius_deg")
    lowest_mag, highest_mag = _ZERO_POINTS_MAG
    return [
        *(gxe.ExpectColumnValuesToNotBeNull(column=one) for one in needed),
        gxe.ExpectColumnValuesToBeUnique(column="digest"),
        gxe.ExpectColumnValuesToMatchRegex(column="digest", regex="^[0-9a-f]{64}$"),
        gxe.ExpectColumnValuesToBeInSet(column="status", value_set=[str(one) for one in ReferenceStatus]),
        gxe.ExpectColumnValuesToBeBetween(column="version", min_value=1),
        *_one_in_use(is_automatic=is_automatic),
        gxe.ExpectColumnValuesToBeBetween(column="n_inputs", min_value=1, max_value=config.max_inputs),
        gxe.ExpectColumnPairValuesToBeEqual(column_A="n_inputs", column_B="n_different_inputs"),
        gxe.ExpectColumnValuesToMatchRegex(column="nights", regex=f"^{_NIGHT}(?: {_NIGHT})*$"),
        gxe.ExpectColumnPairValuesAToBeGreaterThanB(column_A="n_inputs", column_B="n_nights", or_equal=True),
        gxe.ExpectColumnPairValuesToBeEqual(column_A="is_thin", column_B="has_few_inputs"),
        gxe.ExpectColumnValuesToBeBetween(column="median_coverage", min_value=1),
        gxe.ExpectColumnPairValuesAToBeGreaterThanB(column_A="n_inputs", column_B="median_coverage", or_equal=True),
        gxe.ExpectColumnValuesToBeBetween(column="fwhm_pix", min_value=0, max_value=1000, strict_min=True),
        gxe.ExpectColumnValuesToBeBetween(column="sky_rms", min_value=0, max_value=_HUGE, strict_min=True),
        gxe.ExpectColumnValuesToBeBetween(column="ra_deg", min_value=0, max_value=360, strict_max=True),
        gxe.ExpectColumnValuesToBeBetween(column="dec_deg", min_value=-90, max_value=90),
        gxe.ExpectColumnValuesToBeBetween(column="radius_deg", min_value=0, max_value=90, strict_min=True),
        gxe.ExpectColumnValuesToBeBetween(column="pixel_scale_arcsec", min_value=0, max_value=3600, strict_min=True),
        gxe.ExpectColumnValuesToBeBetween(column="zero_point_mag", min_value=lowest_mag, max_value=highest_mag),
    ]


def _one_in_use(*, is_automatic: bool) -> list[gxe.Expectation]:
    """Return how many references of one key may be in use, by the status of the one that was built."""
    must_have_one = [ReferenceStatus.ACTIVE, ReferenceStatus.DRAFT] if is_automatic else [ReferenceStatus.ACTIVE]
    return [
        gxe.ExpectColumnValuesToBeBetween(column="n_active", max_value=1),
        *(
            gxe.ExpectColumnValuesToBeBetween(
                column="n_active", min_value=1, row_condition=Column("status") == str(status)
            )
            for status in must_have_one
        ),
    ]
