"""What must be true of the candidates of a night before anything is published from them."""

from collections.abc import Sequence
from pathlib import Path

import great_expectations.expectations as gxe
import pandas as pd
from great_expectations.expectations.row_conditions import Column

from astrid_core.detection.entities import Detection
from astrid_core.observations.entities import Observation, WcsOrigin
from include.quality.gate import check_table

_HUGE = 1e30
"""No flux is larger; what is, is an overflow."""


def check_candidates(
    found: Sequence[tuple[Observation, Detection]], *, threshold_sigma: float, about: str = "", docs: Path | None = None
) -> int:
    """Return how many candidates passed; GateClosed names the first that did not."""
    return check_table(
        _table(found), "candidates", _expectations(threshold_sigma), row_name="id", about=about, docs=docs
    )


def _table(found: Sequence[tuple[Observation, Detection]]) -> pd.DataFrame:
    rows = [
        {
            "id": detection.id,
            "wcs_origin": observation.wcs_origin.value,
            "ra_deg": detection.candidate.position.ra_deg if detection.candidate.position else None,
            "dec_deg": detection.candidate.position.dec_deg if detection.candidate.position else None,
            "x_pix": detection.candidate.x_pix,
            "y_pix": detection.candidate.y_pix,
            "width_pix": observation.width_pix,
            "height_pix": observation.height_pix,
            "abs_score": abs(detection.candidate.score),
            "flux": detection.candidate.flux,
            "flux_err": detection.candidate.flux_err,
            "probability": detection.score,
        }
        for observation, detection in found
    ]
    return pd.DataFrame(rows)


def _expectations(threshold_sigma: float) -> list[gxe.Expectation]:
    needed = ("id", "x_pix", "y_pix", "abs_score", "flux", "flux_err")
    on_sky = Column("wcs_origin") == WcsOrigin.HEADER.value
    return [
        *(gxe.ExpectColumnValuesToNotBeNull(column=one) for one in needed),
        gxe.ExpectColumnValuesToBeUnique(column="id"),
        *(gxe.ExpectColumnValuesToNotBeNull(column=one, row_condition=on_sky) for one in ("ra_deg", "dec_deg")),
        gxe.ExpectColumnValuesToBeBetween(column="ra_deg", min_value=0, max_value=360, strict_max=True),
        gxe.ExpectColumnValuesToBeBetween(column="dec_deg", min_value=-90, max_value=90),
        gxe.ExpectColumnValuesToBeBetween(column="x_pix", min_value=-0.5),
        gxe.ExpectColumnValuesToBeBetween(column="y_pix", min_value=-0.5),
        gxe.ExpectColumnPairValuesAToBeGreaterThanB(column_A="width_pix", column_B="x_pix"),
        gxe.ExpectColumnPairValuesAToBeGreaterThanB(column_A="height_pix", column_B="y_pix"),
        gxe.ExpectColumnValuesToBeBetween(column="abs_score", min_value=threshold_sigma, max_value=_HUGE),
        gxe.ExpectColumnValuesToBeBetween(column="flux", min_value=-_HUGE, max_value=_HUGE),
        gxe.ExpectColumnValuesToBeBetween(column="flux_err", min_value=0, max_value=_HUGE, strict_min=True),
        gxe.ExpectColumnValuesToBeBetween(column="probability", min_value=0, max_value=1),
    ]
