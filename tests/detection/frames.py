"""Small differences with known contents."""

from dataclasses import replace

import numpy as np

from astrid_core.detection.pixel_classes import KnownSource
from astrid_core.detection.real_triplets import LabelledTriplets
from astrid_core.detection.training_set import LabelledFrame
from astrid_core.differencing.entities import Candidate
from astrid_core.differencing.products import DifferenceProduct
from astrid_core.shared.images import FloatImage
from astrid_core.shared.runs import RunKey
from tests.synthetic.fields import Source, draw

RUN = RunKey("difference-1")
FWHM = 3.0


def product(
    *sources: Source, shape: tuple[int, int] = (120, 140), noise: float = 1.0, seed: int = 1
) -> DifferenceProduct:
    """Return the difference of an epoch with the bright and one with the faint ``sources`` (flux in sigma of a fit)."""
    rng = np.random.default_rng(seed)
    new = draw(shape, [replace(one, flux=one.flux * 4.0) for one in sources if one.flux > 0], FWHM)
    old = draw(shape, [replace(one, flux=-one.flux * 4.0) for one in sources if one.flux < 0], FWHM)
    peaks = np.sqrt(draw(shape, [replace(one, flux=one.flux**2) for one in sources], FWHM))
    sign = np.where(new > old, 1.0, -1.0)
    top = float(draw((31, 31), [Source(x_pix=15.0, y_pix=15.0, flux=1.0)], FWHM).max())
    sky = rng.normal(0.0, noise, (3, *shape))
    return DifferenceProduct(
        difference=_image(new - old + sky[0]),
        score=_image(sign * peaks / np.sqrt(top) + 0.5 * sky[1]),
        variance=_image(np.full(shape, max(noise, 1e-3) ** 2)),
        mask=np.zeros(shape, dtype=np.uint16),
        psf=np.ones((1, 1), dtype=np.float32),
        science=_image(new + sky[0]),
        reference=_image(old + 0.3 * sky[2]),
        flux_err=_image(np.ones(shape)),
        wcs=None,
        science_fwhm_pix=FWHM,
    )


def candidate(x: float, y: float, score: float, *, number: int = 1) -> Candidate:
    return Candidate(
        run=RUN, number=number, position=None, x_pix=x, y_pix=y, x_err_pix=0.1, y_err_pix=0.1, score=score,
        flux=100.0 * score, flux_err=100.0, chi2=1.0, fwhm_pix=FWHM, ellipticity=0.0, flags=0,
    )  # fmt: skip


def known(x: float, y: float, snr: float, kind: str = "transient") -> KnownSource:
    return KnownSource(x_pix=x, y_pix=y, predicted_snr=snr, kind=kind)


def labelled(number: int, *, n_real: int = 6, n_false: int = 6, shape: tuple[int, int] = (240, 240)) -> LabelledFrame:
    """Return a frame with real candidates of 20 and false ones, of the same strength, of one or two bright pixels."""
    rng = np.random.default_rng(number)
    places = rng.permutation([(x, y) for x in range(30, 220, 36) for y in range(30, 220, 36)])[: n_real + n_false]
    signs = rng.choice([-1.0, 1.0], n_real)
    sources = [
        Source(x_pix=float(x), y_pix=float(y), flux=20.0 * sign)
        for (x, y), sign in zip(places[:n_real], signs, strict=True)
    ]
    made = product(*sources, shape=shape, seed=number + 100)
    planes = {name: getattr(made, name).copy() for name in ("difference", "score", "science")}
    for x, y in places[n_real:]:
        planes["score"][y, x : x + 2] = 7.0
        planes["difference"][y, x] += 40.0
        planes["science"][y, x] += 40.0
    candidates = [candidate(one.x_pix, one.y_pix, one.flux, number=n) for n, one in enumerate(sources, start=1)]
    candidates += [
        candidate(float(x), float(y), 7.0, number=n_real + n) for n, (x, y) in enumerate(places[n_real:], start=1)
    ]
    changed = [known(one.x_pix, one.y_pix, one.flux) for one in sources]
    return LabelledFrame(number=number, product=replace(made, **planes), candidates=candidates, changed=changed)


def labelled_triplets(*, n_objects: int, seed: int = 5) -> LabelledTriplets:
    """Return two triplets per object, each third object bogus: a star that appeared, or one bright pixel; beside every
    middle lies another bright pixel.
    """
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:63, :63] - 31.0
    star = np.exp(-(x**2 + y**2) / (2.0 * (FWHM / 2.355) ** 2))
    triplets, is_real, group = [], [], []
    for number in range(2 * n_objects):
        real = (number // 2) % 3 != 0
        old = rng.normal(0.0, 1.0, (63, 63))
        new = rng.normal(0.0, 1.0, (63, 63)) + (30.0 * star if real else 0.0)
        new[31, 31] += 0.0 if real else 90.0
        new[43, 20] += 80.0
        triplets.append([new, old, new - old])
        is_real.append(real)
        group.append(f"object {number // 2}")
    return LabelledTriplets(
        triplets=np.array(triplets, dtype=np.float32),
        is_real=np.array(is_real),
        is_known=np.ones(len(is_real), dtype=bool),
        group=np.array(group),
        origin="field",
    )


def _image(values: np.ndarray) -> FloatImage:
    return np.asarray(values, dtype=np.float32)
