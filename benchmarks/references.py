"""What reference coadds are worth, on simulated exposures of one field: ``python -m benchmarks.references``.

Depth against the optimum, what is left of a transient that one exposure shows, and what leaving artefacts out costs in
depth and in the fluxes of constant and of variable stars. ``--page`` writes benchmarks/references.md.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.signal import fftconvolve

from astrid_core.differencing.coadd import Coadd
from astrid_core.differencing.config import ReferenceConfig
from astrid_core.differencing.noise import robust_sigma
from astrid_core.differencing.pixel_grid import Box
from astrid_core.shared.images import MaskPlane, SkyImage
from tests.synthetic.coadds import coadd_on_grid
from tests.synthetic.fields import Source
from tests.synthetic.pairs import GAIN, READ_NOISE, Exposure, Sky, make_sky, prepared, true_psf

PAGE = Path(__file__).resolve().parent / "references.md"
CONFIG = ReferenceConfig(max_inputs=40)
NEVER_CLIP = replace(CONFIG, clip_sigma=1e9)
_EDGE_PIX = 40
_STAR_RADIUS_PIX = 8
_TRANSIENT_STEP_PIX = 70
_MORE_SEEDS, _FEWEST, _FAINT_SNR = (21, 31, 41), 3, 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """Exposures of one sky, each with its own seeing, sky level and pointing."""

    sky: Sky
    exposures: tuple[Exposure, ...]
    images: tuple[SkyImage, ...]
    first_seed: int
    """Of the noise of the first exposure; the others follow."""

    def coadd(self, config: ReferenceConfig = CONFIG) -> Coadd:
        """Return the coadd of all exposures."""
        return coadd_on_grid(self.images, config)

    def on(self, found: Coadd, number: int, one: Source) -> tuple[float, float]:
        """Return the place of a source of the sky on a coadd, by the header of exposure ``number``."""
        dx, dy = self.exposures[number].shift
        header = self.images[number].wcs
        if header is None or found.image.wcs is None:
            raise ValueError("simulated exposures know the sky")
        x, y = found.image.wcs.world_to_pixel(header.pixel_to_world(one.x_pix + dx, one.y_pix + dy))
        return float(x), float(y)


def make_field(n: int, *, side: int, seed: int, first_seed: int = 1) -> Field:
    """Return ``n`` exposures with seeing from 3 pixels on, sky levels that differ by up to 2.5, and dithers."""
    rng = np.random.default_rng(seed)
    sky = make_sky((side, side), seed=seed, density=1 / 900, n_galaxies=side * side // 9000)
    exposures = tuple(
        Exposure(
            fwhm=float(rng.uniform(3.0, 4.2)),
            sky=float(rng.uniform(200.0, 500.0)),
            shift=(float(rng.uniform(-6, 6)), float(rng.uniform(-6, 6))),
        )
        for _ in range(n)
    )
    images = tuple(prepared(sky, one, seed=number) for number, one in enumerate(exposures, start=first_seed))
    return Field(sky=sky, exposures=exposures, images=images, first_seed=first_seed)


def depth_against_optimum(one: Field, other: Field) -> float:
    """Return S/N of a faint star in the coadd over the optimum, sqrt(sum of flux^2 / noise-equivalent variance).

    ``other`` is the same field with other noise: the difference of both coadds is noise alone, with the correlations
    that resampling leaves. The filter is the PSF that the coadd claims, its response the true mean PSF of the inputs.
    """
    first, second = one.coadd(), other.coadd()
    psf = _middle_psf(first.image)
    noise = (first.image.pixels - second.image.pixels) / np.float32(np.sqrt(2.0))
    filtered = fftconvolve(np.nan_to_num(noise), psf[::-1, ::-1], mode="same")
    quiet = _seen_by_all(first) & (np.nan_to_num(first.image.pixels, nan=np.inf) < 3.0 * first.sky_rms)
    measured = float((psf**2).sum()) * _response(one, first, psf) / robust_sigma(filtered[quiet])
    return measured / float(np.sqrt(sum(_information(exposure, one.sky.shape) for exposure in one.exposures)))


def _seen_by_all(found: Coadd) -> NDArray[np.bool_]:
    """Return the pixels that lie well inside what every exposure covers."""
    in_all = np.ones(found.image.shape, dtype=bool)
    for one in found.placed:
        laid = one.on(Box.of(found.image.shape))
        in_all &= (laid.mask & np.uint16(MaskPlane.NO_DATA)) == 0
    return np.asarray(ndimage.distance_transform_edt(np.pad(in_all, 1))[1:-1, 1:-1] > _EDGE_PIX)


def _response(field: Field, found: Coadd, psf: NDArray[np.float64]) -> float:
    """Return the filter's answer to true stars over that to the claimed PSF, by their known fluxes."""
    answers = []
    for star, x, y in _stars(field, found, brightest=2e4, faintest=4e3):
        half = len(psf) // 2
        row, column = round(y), round(x)
        stamp = found.image.pixels[row - half : row + half + 1, column - half : column + half + 1]
        if stamp.shape == psf.shape and np.isfinite(stamp).all():
            answers.append(float((_shifted(psf, x - column, y - row) * stamp).sum() / (psf**2).sum() / star.flux))
    return float(np.median(answers))


def _shifted(psf: NDArray[np.float64], dx: float, dy: float) -> NDArray[np.float64]:
    return np.asarray(ndimage.shift(psf, (dy, dx), order=3))


def _information(exposure: Exposure, shape: tuple[int, int]) -> float:
    """Return flux^2 over the noise-equivalent variance of one exposure, for a flux of 1 on the empty sky."""
    psf = true_psf(shape, exposure.fwhm).coefficients[0]
    variance = exposure.sky / GAIN + (READ_NOISE / GAIN) ** 2
    return float((psf**2).sum() * exposure.depth**2 / variance)


def left_of_transients(field: Field, snr: float, *, without: Coadd | None = None) -> NDArray[np.float64]:
    """Return which parts of the flux of transients of this S/N in one exposure (not the base) its coadd still shows.

    ``without`` is the coadd of the field as it is, where it was made already.
    """
    clean = without or field.coadd()
    number = (clean.base + 1) % len(field.images)
    exposure, image = field.exposures[number], field.images[number]
    psf = true_psf(image.shape, exposure.fwhm).coefficients[0]
    flux = snr * float(np.sqrt(np.median(image.variance) / (psf**2).sum()))
    places = range(60, image.shape[0] - 60, _TRANSIENT_STEP_PIX)
    extra = [Source(x_pix=x + 0.3, y_pix=y + 0.1, flux=flux) for x in places for y in places]
    struck = prepared(field.sky, exposure, seed=field.first_seed + number, extra=extra)
    images = (*field.images[:number], struck, *field.images[number + 1 :])
    change = replace(field, images=images).coadd().image.pixels - clean.image.pixels
    wanted = true_psf(image.shape, clean.fwhm_pix).coefficients[0]
    half = len(wanted) // 2
    left = []
    for one in extra:
        x, y = field.on(clean, number, one)
        stamp = change[round(y) - half : round(y) + half + 1, round(x) - half : round(x) + half + 1]
        if stamp.shape == wanted.shape and np.isfinite(stamp).all():
            left.append(float((stamp * wanted).sum() / (wanted**2).sum() / flux))
    return np.array(left)


def cost_of_clipping(field: Field) -> tuple[float, float, float]:
    """Return the part of all inputs that is left out where nothing is wrong, and median and largest change of stars."""
    clipped, whole = field.coadd(), field.coadd(NEVER_CLIP)
    inner = np.s_[_EDGE_PIX:-_EDGE_PIX, _EDGE_PIX:-_EDGE_PIX]
    lost = 1.0 - float(clipped.coverage[inner].sum() / whole.coverage[inner].sum())
    change = np.array(
        [
            _aperture(clipped.image, x, y) / _aperture(whole.image, x, y) - 1.0
            for _, x, y in _stars(field, clipped, brightest=1e6, faintest=4e3)
        ]
    )
    change = change[np.isfinite(change)]
    return lost, float(np.median(change)), float(np.abs(change).max())


def coverage_of_variables(*, n: int, side: int, seed: int, amplitude: float) -> float:
    """Return the least coverage, as a part of ``n``, at stars that brighten and fade between exposures."""
    field = make_field(n, side=side, seed=seed)
    rng = np.random.default_rng(seed + 1)
    places = range(80, side - 80, 90)
    variables = [Source(x_pix=x + 0.2, y_pix=y - 0.4, flux=2e4) for x in places for y in places]
    images = tuple(
        prepared(
            field.sky,
            exposure,
            seed=number + 1,
            extra=[replace(one, flux=one.flux * float(rng.uniform(1 - amplitude, 1 + amplitude))) for one in variables],
        )
        for number, exposure in enumerate(field.exposures)
    )
    changing = replace(field, images=images)
    found = changing.coadd()
    least = [found.coverage[round(y), round(x)] for x, y in (changing.on(found, 0, one) for one in variables)]
    return float(min(least)) / n


def _stars(field: Field, found: Coadd, *, brightest: float, faintest: float) -> Sequence[tuple[Source, float, float]]:
    ny, nx = found.image.shape
    seen = [(one, *field.on(found, found.base, one)) for one in field.sky.stars if faintest < one.flux < brightest]
    return [(one, x, y) for one, x, y in seen if _EDGE_PIX < x < nx - _EDGE_PIX and _EDGE_PIX < y < ny - _EDGE_PIX]


def _aperture(image: SkyImage, x_pix: float, y_pix: float) -> float:
    half = _STAR_RADIUS_PIX
    row, column = round(y_pix), round(x_pix)
    return float(image.pixels[row - half : row + half + 1, column - half : column + half + 1].sum())


def _middle_psf(image: SkyImage) -> NDArray[np.float64]:
    if image.psf is None:
        raise ValueError("a coadd carries its PSF")
    ny, nx = image.shape
    return np.asarray(image.psf.at(nx / 2, ny / 2), dtype=np.float64)


def page(side: int, say: Callable[[str], None] = lambda _: None) -> str:
    """Return benchmarks/references.md; minutes."""
    depth, left, cost = [], [], []
    for n in (3, 6, 12):
        field, other = make_field(n, side=side, seed=11), make_field(n, side=side, seed=11, first_seed=7001)
        depth.append(f"| {n} | {depth_against_optimum(field, other):.3f} |")
        lost, median, largest = cost_of_clipping(field)
        cost.append(f"| {n} | {100 * lost:.3f} % | {100 * median:+.3f} % | {100 * largest:.2f} % |")
        say(f"{n}: {depth[-1]} {cost[-1]}")
        without = field.coadd()
        for snr in (10.0, 20.0, 50.0, 200.0, 1000.0):
            found = left_of_transients(field, snr, without=without)
            if n == _FEWEST and snr <= _FAINT_SNR:
                # Most of the mean is of the few that drown in the noise: more of them are needed to tell it.
                more = [left_of_transients(make_field(n, side=side, seed=seed), snr) for seed in _MORE_SEEDS]
                found = np.concatenate([found, *more])
            error = float(found.std() / np.sqrt(len(found)))
            left.append(
                f"| {n} | {snr:g} | {len(found)} | {100 * np.median(found):+.2f} % "
                f"| {100 * found.mean():+.2f} ± {100 * error:.2f} % |"
            )
            say(left[-1])
    variables = [f"| {n} | {coverage_of_variables(n=n, side=side, seed=12, amplitude=0.5):.2f} |" for n in (3, 6, 12)]
    command = f"python -m benchmarks.references --size {side} --page"
    return _TEXT.format(
        command=command, side=side, depth="\n".join(depth), left="\n".join(left), cost="\n".join(cost),
        variables="\n".join(variables),
    )  # fmt: skip


_TEXT = """# References

Written by `{command}`: simulated exposures of {side} x {side} pixels with stars and galaxies, seeing of 3.0 to 4.2
pixels, sky levels of 200 to 500 counts and dithers of up to 6 pixels, prepared and coadded as in a night.

## Depth

S/N of a faint star in the coadd, with the PSF that it claims, over the optimum: the root of the sum of
flux^2 / noise-equivalent variance of all inputs. Required: at least 0.97.

| inputs | of the optimum |
|---|---|
{depth}

## A transient that one exposure shows

Its flux in the coadd over that in the exposure, measured with the PSF; S/N is that in the one exposure. Required: less
than 2 %. Some of the places lie on stars and galaxies.

| inputs | S/N | transients | median | mean |
|---|---|---|---|---|
{left}

## What leaving artefacts out costs

Where there is nothing to leave out: the part of all input pixels that is lost, and the change of stars' fluxes.

| inputs | lost | median change | largest |
|---|---|---|---|
{cost}

## Variable stars

Least coverage at the centres of stars that change by up to half of their light between exposures, as a part of the
inputs: 1 where nothing was left out. Required: all inputs but one.

| inputs | coverage |
|---|---|
{variables}
"""


def main() -> int:
    """Measure, and print the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=600)
    parser.add_argument("--page", action="store_true", help="write benchmarks/references.md")
    arguments = parser.parse_args()
    text = page(arguments.size, say=lambda line: print(line, file=sys.stderr))
    if arguments.page:
        PAGE.write_text(text)
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
