"""What must be true of the exposures of a night before anything is planned from them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import great_expectations.expectations as gxe
import pandas as pd

from astrid_core.observations.entities import Observation
from include.quality.gate import check_table

_MJD_0 = datetime(1858, 11, 17, tzinfo=UTC)
_LONGEST_EXPOSURE_S = 86_400.0


def check_observations(observations: Sequence[Observation], *, night: str, docs: Path | None = None) -> int:
    """Return how many exposures passed; GateClosed names the first that did not."""
    noon = datetime.fromisoformat(night).replace(hour=12, tzinfo=UTC)
    first_mjd = (noon - _MJD_0) / timedelta(days=1)
    return check_table(
        _table(observations), "observations", _expectations(first_mjd), row_name="id", about=f"night {night}", docs=docs
    )


def _table(observations: Sequence[Observation]) -> pd.DataFrame:
    rows = [
        {
            "id": one.id,
            "file_digest": one.file_digest,
            "extension": one.extension,
            "ra_deg": one.position.ra_deg,
            "dec_deg": one.position.dec_deg,
            "radius_deg": one.radius_deg,
            "pixel_scale_arcsec": one.pixel_scale_arcsec,
            "width_pix": one.width_pix,
            "height_pix": one.height_pix,
            "band": one.band,
            "exposure_s": one.exposure_s,
            "mid_mjd": one.mid_mjd,
        }
        for one in observations
    ]
    return pd.DataFrame(rows)


def _expectations(first_mjd: float) -> list[gxe.Expectation]:
    needed = ("id", "file_digest", "ra_deg", "dec_deg", "radius_deg", "band", "exposure_s", "mid_mjd")
    return [
        *(gxe.ExpectColumnValuesToNotBeNull(column=one) for one in needed),
        gxe.ExpectColumnValuesToBeUnique(column="id"),
        gxe.ExpectColumnValuesToMatchRegex(column="id", regex="^[a-z0-9][a-z0-9-]*:.+$"),
        gxe.ExpectColumnValuesToMatchRegex(column="file_digest", regex="^[0-9a-f]{64}$"),
        gxe.ExpectColumnValuesToBeBetween(column="extension", min_value=0),
        gxe.ExpectColumnValuesToBeBetween(column="ra_deg", min_value=0, max_value=360, strict_max=True),
        gxe.ExpectColumnValuesToBeBetween(column="dec_deg", min_value=-90, max_value=90),
        gxe.ExpectColumnValuesToBeBetween(column="radius_deg", min_value=0, max_value=90, strict_min=True),
        gxe.ExpectColumnValuesToBeBetween(column="pixel_scale_arcsec", min_value=0, max_value=3600, strict_min=True),
        gxe.ExpectColumnValuesToBeBetween(column="width_pix", min_value=1),
        gxe.ExpectColumnValuesToBeBetween(column="height_pix", min_value=1),
        gxe.ExpectColumnValuesToBeBetween(
            column="exposure_s", min_value=0, max_value=_LONGEST_EXPOSURE_S, strict_min=True
        ),
        gxe.ExpectColumnValuesToBeBetween(
            column="mid_mjd", min_value=first_mjd, max_value=first_mjd + 1.0, strict_max=True
        ),
    ]
