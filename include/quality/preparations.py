"""What must be true of prepared exposures before anything is published from their differences."""

from collections.abc import Sequence
from pathlib import Path

import great_expectations.expectations as gxe
import pandas as pd

from astrid_core.preprocessing.entities import PreprocessRun
from include.quality.gate import check_table

_HUGE = 1e30
"""No level of an image is larger; what is, is an overflow."""


def check_preparations(runs: Sequence[PreprocessRun], *, about: str = "", docs: Path | None = None) -> int:
    """Return how many preparations passed; GateClosed names the first that did not."""
    return check_table(_table(runs), "preparations", _expectations(), row_name="observation", about=about, docs=docs)


def _table(runs: Sequence[PreprocessRun]) -> pd.DataFrame:
    rows = [
        {
            "observation": run.observation_id,
            "key": run.key,
            "image": None if run.image is None else run.image.digest,
            "n_stars": run.quality.n_stars,
            "fwhm_pix": run.quality.fwhm_pix,
            "psf_residual": run.quality.psf_residual,
            "sky": run.quality.sky,
            "sky_rms": run.quality.sky_rms,
            "masked_fraction": run.quality.masked_fraction,
            "pixel_scale_arcsec": None if run.wcs is None else run.wcs.pixel_scale_arcsec,
        }
        for run in runs
        if run.quality is not None
    ]
    return pd.DataFrame(rows)


def _expectations() -> list[gxe.Expectation]:
    needed = ("key", "image", "n_stars", "fwhm_pix", "psf_residual", "sky", "sky_rms", "masked_fraction")
    return [
        *(gxe.ExpectColumnValuesToNotBeNull(column=one) for one in needed),
        gxe.ExpectColumnValuesToBeUnique(column="key"),
        gxe.ExpectColumnValuesToMatchRegex(column="image", regex="^[0-9a-f]{64}$"),
        gxe.ExpectColumnValuesToBeBetween(column="n_stars", min_value=1),
        gxe.ExpectColumnValuesToBeBetween(column="fwhm_pix", min_value=0, max_value=1000, strict_min=True),
        gxe.ExpectColumnValuesToBeBetween(column="psf_residual", min_value=0, max_value=_HUGE),
        gxe.ExpectColumnValuesToBeBetween(column="sky", min_value=-_HUGE, max_value=_HUGE),
        gxe.ExpectColumnValuesToBeBetween(column="sky_rms", min_value=0, max_value=_HUGE, strict_min=True),
        gxe.ExpectColumnValuesToBeBetween(column="masked_fraction", min_value=0, max_value=1),
        gxe.ExpectColumnValuesToBeBetween(column="pixel_scale_arcsec", min_value=0, max_value=3600, strict_min=True),
    ]
