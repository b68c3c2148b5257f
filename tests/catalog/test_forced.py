"""What is measured at the places of objects: against sources that were put there, through the real subtraction."""

from dataclasses import replace
from uuid import UUID

import numpy as np
import pytest
from numpy.typing import NDArray

from astrid_core.catalog.entities import ForcedPoint, ReferenceFlux, Unmeasured
from astrid_core.catalog.forced import forced_points, masked_fractions, reference_fluxes
from astrid_core.catalog.light_curve import brightness, one_an_exposure
from astrid_core.differencing.config import DifferenceConfig
from astrid_core.differencing.entities import DifferenceRun, ReferenceStatus
from astrid_core.differencing.pair import difference_pair
from astrid_core.differencing.products import DifferenceProduct, read_difference, write_difference
from astrid_core.shared.images import MaskPlane
from astrid_core.shared.runs import RunKey
from astrid_core.shared.sky import SkyPosition
from tests.adapters.invented import difference_run, entry, observation, preprocess_run, reference
from tests.detection.frames import product
from tests.synthetic.fields import Source, wcs
from tests.synthetic.pairs import Exposure, make_sky, prepared

SHAPE = (330, 350)
FLUX = 300.0
"""Three to four standard deviations: brighter ones are measured as well as the PSF of so small a frame is known."""


def _places(seed: int) -> NDArray[np.float64]:
    grid = np.array([(x, y) for x in range(35, 316, 20) for y in range(35, 296, 20)], dtype=float)
    # In rows they would be taken for a trail.
    return grid + np.random.default_rng(seed).uniform(-6.0, 6.0, grid.shape)


def _product(seed: int, places: NDArray[np.float64]) -> DifferenceProduct:
    """Return a stored difference with sources at every third place."""
    sky = make_sky(SHAPE, seed=seed, n_galaxies=5)
    extra = [Source(x_pix=x, y_pix=y, flux=FLUX) for x, y in places[::3]]
    science = prepared(sky, Exposure(fwhm=3.2), seed=seed + 1, extra=extra)
    pair = difference_pair(science, prepared(sky, Exposure(fwhm=2.7, sky=75.0), seed=seed + 2), DifferenceConfig())
    return read_difference(write_difference(pair))


def _points(stored: DifferenceProduct, places: NDArray[np.float64]) -> tuple[ForcedPoint, ...]:
    assert stored.wcs is not None
    ra, dec = stored.wcs.all_pix2world(places, 0).T
    entries = [
        entry(number, at=SkyPosition(ra_deg=float(one) % 360.0, dec_deg=float(its)))
        for number, (one, its) in enumerate(zip(ra, dec, strict=True), start=1)
    ]
    return forced_points(
        stored, entries, observation=observation(), prepared=preprocess_run(), difference=difference_run(),
        references=[reference()],
    )  # fmt: skip


def test_fluxes_are_unbiased_and_errors_honest_with_a_source_and_without() -> None:
    pulls: dict[float, list[float]] = {0.0: [], FLUX: []}
    for seed in (100, 200, 300, 400):
        places = _places(seed)
        for number, point in enumerate(_points(_product(seed, places), places)):
            truth = 0.0 if number % 3 else FLUX
            if point.flux is not None and point.flux_err is not None:
                pulls[truth].append((point.flux - truth) / point.flux_err)
    for truth, found in pulls.items():
        assert len(found) > 250
        assert np.mean(found) == pytest.approx(0.0, abs=3.0 / np.sqrt(len(found))), truth
    assert np.std([*pulls[0.0], *pulls[FLUX]]) == pytest.approx(1.0, abs=0.05)


def _plain(*, masked: tuple[int, int, MaskPlane] | None = None) -> DifferenceProduct:
    stored = replace(product(shape=(120, 140)), wcs=wcs((120, 140)), psf=np.ones((3, 3), dtype=np.float32) / 9.0)
    if masked is None:
        return stored
    mask = stored.mask.copy()
    mask[masked[1], masked[0]] = masked[2]
    return replace(stored, mask=mask)


def test_what_cannot_be_measured_says_why() -> None:
    stored = _plain(masked=(40, 50, MaskPlane.SATURATED))
    mask = stored.mask.copy()
    mask[:5] = MaskPlane.EDGE
    places = np.array([[20.0, 20.0], [40.0, 50.0], [60.0, 2.0], [60.0, -30.0], [41.0, 50.0]])
    free, masked, edge, off, beside = _points(replace(stored, mask=mask), places)

    assert (free.unmeasured, free.masked_fraction) == (None, 0.0)
    assert (masked.unmeasured, MaskPlane(masked.flags)) == (Unmeasured.MASKED, MaskPlane.SATURATED)
    assert (edge.unmeasured, off.unmeasured) == (Unmeasured.EDGE, Unmeasured.OFF_FRAME)
    assert [one.flux for one in (masked, edge, off)] == [None, None, None]
    assert off.masked_fraction == 1.0
    assert beside.unmeasured is None
    assert beside.masked_fraction == pytest.approx(1.0 / 9.0)


def test_a_difference_from_before_errors_were_stored_gives_no_flux_and_says_so() -> None:
    stored = _plain()
    (point,) = _points(replace(stored, flux_err=np.full_like(stored.flux_err, np.nan)), np.array([[20.0, 20.0]]))

    assert (point.flux, point.unmeasured) == (None, Unmeasured.NO_ERROR)


def test_a_difference_without_sky_coordinates_gives_nothing() -> None:
    found = forced_points(
        product(), [entry()], observation=observation(), prepared=preprocess_run(), difference=difference_run(),
        references=[reference()],
    )  # fmt: skip

    assert found == ()


def test_pixels_count_as_the_psf_squared() -> None:
    stored = _plain(masked=(50, 60, MaskPlane.BAD))
    psf = np.array([[0.0, 0.1, 0.0], [0.1, 0.6, 0.1], [0.0, 0.1, 0.0]], dtype=np.float32)
    places = np.array([[50.0, 60.0], [51.0, 60.0], [52.0, 60.0], [np.nan, 1.0]])

    assert masked_fractions(replace(stored, psf=psf), places) == pytest.approx([0.9, 0.025, 0.0, 1.0])


def test_a_reference_shows_the_star_that_is_in_it() -> None:
    star = Source(x_pix=170.4, y_pix=160.2, flux=20_000.0)
    image = prepared(make_sky(SHAPE, seed=7, n_galaxies=0), Exposure(fwhm=2.7, sky=75.0), seed=8, extra=[star])
    assert image.wcs is not None
    ra, dec = image.wcs.all_pix2world([[star.x_pix, star.y_pix]], 0)[0]
    far = SkyPosition(ra_deg=10.0, dec_deg=-80.0)
    here, nowhere = reference_fluxes(
        reference(), image, [entry(at=SkyPosition(ra_deg=float(ra), dec_deg=float(dec))), entry(2, at=far)]
    )

    assert here.flux == pytest.approx(star.flux, rel=0.02)
    assert here.flux_err is not None
    assert here.flux_err < 0.02 * star.flux
    assert (nowhere.flux, nowhere.flux_err) == (None, None)


def _point(flux: float | None, *, run: str = "difference-1", error: float = 10.0, scale: float = 2.0) -> ForcedPoint:
    return ForcedPoint(
        entry_id=UUID(int=1), difference_key=RunKey(run), observation_id="demo:a", reference_digest=reference().digest,
        position=SkyPosition(ra_deg=1.0, dec_deg=2.0), band="r", mid_mjd=60000.0, zero_point_mag=25.0,
        reference_scale=scale, flux=flux, flux_err=None if flux is None else error, masked_fraction=0.0,
        unmeasured=None if flux is not None else Unmeasured.MASKED,
    )  # fmt: skip


def test_nanojansky_and_magnitudes_are_those_of_the_zero_point() -> None:
    read = brightness(_point(100.0), None, limit_sigma=5.0)

    assert read.flux_njy == pytest.approx(100.0 * 363.078, rel=1e-5)
    assert read.flux_err_njy == pytest.approx(10.0 * 363.078, rel=1e-5)
    assert read.mag_ab == pytest.approx(20.0)
    assert read.mag_err == pytest.approx(0.10857, rel=1e-4)
    assert read.limit_mag_ab is None
    assert read.total_flux_njy is None


@pytest.mark.parametrize(("flux", "limit"), [(40.0, 90.0), (-30.0, 50.0), (0.0, 50.0)])
def test_too_few_sigma_are_an_upper_limit(flux: float, limit: float) -> None:
    read = brightness(_point(flux), None, limit_sigma=5.0)

    assert read.mag_ab is None
    assert read.limit_mag_ab == pytest.approx(25.0 - 2.5 * np.log10(limit))


def test_an_object_that_has_faded_has_a_magnitude_and_no_limit() -> None:
    read = brightness(_point(-100.0), ReferenceFlux(
        entry_id=UUID(int=1), reference_digest=reference().digest, flux=80.0, flux_err=1.0
    ), limit_sigma=5.0)  # fmt: skip

    assert read.mag_ab == pytest.approx(20.0)
    assert read.limit_mag_ab is None
    assert read.reference_flux_njy == pytest.approx(160.0 * 363.078, rel=1e-5)
    assert read.total_flux_njy == pytest.approx(60.0 * 363.078, rel=1e-5)
    assert read.total_mag_ab == pytest.approx(25.0 - 2.5 * np.log10(60.0))


def test_without_a_zero_point_there_are_counts_only() -> None:
    read = brightness(replace(_point(100.0), zero_point_mag=None), None, limit_sigma=5.0)

    assert (read.flux, read.flux_njy, read.mag_ab, read.limit_mag_ab) == (100.0, None, None, None)


def test_of_several_runs_of_an_exposure_that_against_the_reference_in_use_counts() -> None:
    old = replace(reference(), status=ReferenceStatus.RETIRED)
    new = replace(old, image=replace(old.image, digest="e" * 64), version=1, status=ReferenceStatus.ACTIVE)
    first, second = _point(1.0), replace(_point(2.0, run="difference-0"), reference_digest=new.digest)
    masked = replace(_point(None, run="difference-9"), reference_digest=new.digest)
    off = replace(_point(None), observation_id="demo:b", unmeasured=Unmeasured.OFF_FRAME)
    references = {one.digest: one for one in (old, new)}

    assert one_an_exposure([first, second, masked, off], references) == (second,)
    assert one_an_exposure([first, masked], references) == (first,)
    # What took the place of the others by an exchange counts, whatever it measured.
    assert one_an_exposure([first, second, masked], references, {masked.difference_key}) == (masked,)
    assert one_an_exposure([first, second, masked], references, {first.difference_key}) == (first,)


def test_the_scale_of_a_reference_is_that_of_its_difference() -> None:
    run: DifferenceRun = replace(difference_run(), flux_ratio=0.8)
    stored = _plain()
    assert stored.wcs is not None
    ra, dec = stored.wcs.all_pix2world([[20.0, 20.0]], 0)[0]
    (point,) = forced_points(
        stored, [entry(at=SkyPosition(ra_deg=float(ra), dec_deg=float(dec)))], observation=observation(),
        prepared=preprocess_run(), difference=run, references=[reference()],
    )  # fmt: skip

    assert point.reference_scale == 0.8
    assert (point.difference_key, point.reference_digest) == (run.key, reference().digest)
