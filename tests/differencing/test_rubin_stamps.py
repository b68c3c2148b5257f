"""Alert stamps of the Rubin observatory, subtracted anew with the PSFs and variances that the survey sent along."""

import csv
import warnings
from dataclasses import dataclass

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS, FITSFixedWarning

from astrid_core.differencing.config import DifferenceConfig
from astrid_core.differencing.extract import extract
from astrid_core.differencing.subtract import Difference, subtract
from astrid_core.shared.images import MaskPlane, PsfModel, SkyImage
from benchmarks.real_frames import REAL_DATA

STAMPS = REAL_DATA / "lsst-alerts"
CHANGED = ("known_moving", "known_variable_or_agn")

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not STAMPS.is_dir(), reason=f"the real data are not at {STAMPS}; set ASTRID_REAL_DATA"),
]


@dataclass(frozen=True)
class Alert:
    label: str
    snr: float
    fwhm_pix: float
    centre: tuple[float, float]
    difference: Difference

    def off_pix(self) -> float:
        """Distance of the strongest score from where the survey saw the source."""
        score = np.where(self.difference.mask == 0, np.abs(self.difference.score), 0.0)
        row, column = np.unravel_index(np.argmax(score), score.shape)
        return float(np.hypot(column - self.centre[0], row - self.centre[1]))

    def is_dipole(self) -> bool:
        peaks = extract(self.difference, threshold_sigma=4.0, limit=50)
        reach = max(5.0, self.fwhm_pix)
        return any(
            peak.flags & MaskPlane.DIPOLE
            and np.hypot(peak.x_pix - self.centre[0], peak.y_pix - self.centre[1]) < reach
            for peak in peaks
        )  # fmt: skip


def _image(name: str) -> tuple[SkyImage, WCS]:
    with (
        warnings.catch_warnings(action="ignore", category=FITSFixedWarning),
        fits.open(STAMPS / "stamps" / name) as hdus,
    ):
        pixels, variance = (hdus[key].data.astype(np.float32) for key in (0, "UNCERT"))
        psf = np.nan_to_num(hdus["PSFIMAGE"].data.astype(float))
        wcs = WCS(hdus[0].header)
    side = min(psf.shape) - (1 - min(psf.shape) % 2)
    top, left = ((one - side) // 2 for one in psf.shape)
    psf = psf[top : top + side, left : left + side]
    known = np.isfinite(pixels) & np.isfinite(variance) & (variance > 0)
    mask = np.where(known, 0, MaskPlane.NO_DATA).astype(np.uint16)
    model = PsfModel(coefficients=psf[None] / psf.sum(), degree=0, frame_shape=(pixels.shape[0], pixels.shape[1]))
    return SkyImage(pixels=pixels, variance=variance, mask=mask, psf=model), wcs


@pytest.fixture(scope="module")
def alerts() -> list[Alert]:
    found = []
    with (STAMPS / "labels.csv").open() as file:
        for row in csv.DictReader(file):
            science, wcs = _image(f"{row['diaSourceId']}_science.fits")
            reference, _ = _image(f"{row['diaSourceId']}_template.fits")
            x, y = wcs.world_to_pixel_values(float(row["ra"]), float(row["dec"]))
            assert science.psf is not None
            assert reference.psf is not None
            found.append(
                Alert(
                    label=row["label"],
                    snr=abs(float(row["snr"])),
                    fwhm_pix=max(science.psf.fwhm_pix, reference.psf.fwhm_pix),
                    centre=(float(x), float(y)),
                    difference=subtract(science, reference, DifferenceConfig()),
                )
            )
    return found


def test_what_moved_or_varied_is_the_strongest_thing_in_its_stamp(alerts: list[Alert]) -> None:
    strong = [one for one in alerts if one.label in CHANGED and one.snr >= 8.0]
    assert len(strong) > 40
    assert np.mean([one.off_pix() <= 2.0 for one in strong]) >= 0.95


def test_what_the_survey_calls_a_dipole_is_one_and_what_moved_far_or_varied_is_none(alerts: list[Alert]) -> None:
    dipoles = [one.is_dipole() for one in alerts if one.label == "pipeline_dipole"]
    assert len(dipoles) == 8
    assert np.mean(dipoles) >= 0.7
    assert np.mean([one.is_dipole() for one in alerts if one.label in CHANGED]) <= 0.05
