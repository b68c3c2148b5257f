"""Raw frames against the truth, cosmic rays and trails masked: ``python -m benchmarks.calibration``.

Every frame is simulated with known faults. ``--page`` writes benchmarks/calibration.md.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from astrid_core.observations.readout import Amplifier, Section
from astrid_core.preprocessing.apply_masters import Calibrated, RawFacts, apply_masters
from astrid_core.preprocessing.calibrate_config import CalibrateConfig
from astrid_core.preprocessing.config import PreprocessConfig
from astrid_core.preprocessing.masters import Masters, build_bad_pixels, build_bias, build_dark, build_flat
from astrid_core.preprocessing.prepare import Detector, PreparedImage, prepare
from astrid_core.preprocessing.raw import level, linearize
from astrid_core.shared.errors import Unprocessable
from astrid_core.shared.images import FloatImage, MaskPlane
from astrid_core.simulate.defects import Trail, draw_hits
from astrid_core.simulate.optics import Optics
from astrid_core.simulate.raw import RawDetector, RawFrame, draw_detector, even_light, expose_raw
from astrid_core.simulate.render import add_points
from astrid_core.simulate.seeds import generator

PAGE = Path(__file__).resolve().parent / "calibration.md"
SKY_ADU, GAIN, READ_NOISE_E, SATURATION_ADU = 300.0, 1.6, 6.0, 60000.0
HIT_SIGMA = 5.0
STAR_SIGMA = 5.0
HITS_PER_MPIX = 80.0
_BLOCK_PIX = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A frame as it would come from a file, and what is in it; arrays (ny, nx), counts."""

    raw: FloatImage
    stars: NDArray[np.float64]
    deposit: NDArray[np.float64]
    """Of cosmic rays."""
    sigma: NDArray[np.float64]
    """Noise of every pixel, photons of the stars included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RayScore:
    """What became of the pixels of cosmic rays and of stars."""

    n_hit: int
    n_hit_masked: int
    n_star: int
    n_star_lost: int


def draw_scene(seed: int, *, fwhm_pix: float, side: int, hits_per_mpix: float, stars_per_mpix: float = 1500.0) -> Scene:
    """Draw stars of many fluxes, sky, read noise and cosmic rays."""
    rng = generator(seed, "scene", str(fwhm_pix))
    n_stars = rng.poisson(stars_per_mpix * side * side / 1e6)
    flux = np.minimum(300.0 * rng.uniform(size=n_stars) ** (-1.0 / 0.8), 4e5)
    stars = np.zeros((side, side))
    optics = Optics(frame_shape=(side, side), fwhm_pix=fwhm_pix, beta=3.0)
    add_points(stars, optics, rng.uniform(0, side - 1, n_stars), rng.uniform(0, side - 1, n_stars), flux)
    hits, deposit = draw_hits(rng, hits_per_mpix, (side, side)), np.zeros((side, side))
    np.add.at(deposit, (hits.rows, hits.columns), hits.electrons / GAIN)
    electrons = rng.poisson((stars + SKY_ADU) * GAIN) + rng.normal(0.0, READ_NOISE_E, stars.shape)
    return Scene(
        raw=np.clip(electrons / GAIN + deposit, 0.0, SATURATION_ADU).astype(np.float32),
        stars=stars,
        deposit=deposit,
        sigma=np.sqrt((stars + SKY_ADU) / GAIN + (READ_NOISE_E / GAIN) ** 2),
    )


def prepared(raw: FloatImage) -> PreparedImage:
    """Prepare a frame under the settings of the library."""
    detector = Detector(gain_e_count=GAIN, read_noise_e=READ_NOISE_E, saturation=SATURATION_ADU)
    return prepare(raw, detector=detector, config=PreprocessConfig())


def score_rays(scene: Scene) -> RayScore:
    """Count pixels with a deposit of 5 sigma or more, masked or not, and star pixels (5 sigma or more) taken for hits.

    Star pixels within three pixels of any deposit of half a sigma do not count, nor those that are masked as saturated.
    """
    mask = prepared(scene.raw).image.mask
    is_ray = (mask & MaskPlane.COSMIC_RAY) != 0
    otherwise = (mask & ~np.uint16(MaskPlane.COSMIC_RAY)) != 0
    hit = scene.deposit > HIT_SIGMA * scene.sigma
    near = ndimage.binary_dilation(scene.deposit > 0.5 * scene.sigma, iterations=3)
    star = (scene.stars > STAR_SIGMA * scene.sigma) & ~near & ~otherwise
    return RayScore(
        n_hit=int(hit.sum()),
        n_hit_masked=int((hit & (mask != 0)).sum()),
        n_star=int(star.sum()),
        n_star_lost=int((star & is_ray).sum()),
    )


def sum_rays(scores: Sequence[RayScore]) -> RayScore:
    """Return the counts of many frames."""
    return RayScore(**{name: sum(getattr(one, name) for one in scores) for name in RayScore.__slots__})


def masters_of(detector: RawDetector, seed: int, config: CalibrateConfig, *, n_inputs: int) -> Masters:
    """Build masters from simulated frames, cosmic rays in the darks and stars in the flats."""

    def taken(number: int, light: NDArray[np.float64] | float, exposure_s: float, rays: float) -> FloatImage:
        hits = draw_hits(generator(seed, "hits", number), rays, detector.shape)
        frame = expose_raw(detector, light, exposure_s=exposure_s, seed=seed + number, hits=hits)
        return leveled(frame, config)

    numbers = range(n_inputs)
    bias = build_bias([taken(number, 0.0, 0.0, 2.0) for number in numbers], config)
    darks = [taken(100 + number, 0.0, 300.0, 40.0) for number in numbers]
    dark = build_dark(darks, [300.0] * n_inputs, bias, config)
    lights = [even_light(detector.shape, seed + number, level_adu=20000.0, n_stars=30) for number in numbers]
    flats = [taken(200 + number, light, 5.0, 2.0) for number, light in zip(numbers, lights, strict=True)]
    flat = build_flat(flats, [5.0] * n_inputs, Masters(bias=bias, dark=dark), config)
    return Masters(bias=bias, dark=dark, flat=flat, bad_pixels=build_bad_pixels(dark, flat, config))


def leveled(frame: RawFrame, config: CalibrateConfig) -> FloatImage:
    """Return the pixels of a raw frame without overscan, linear."""
    opened = level(frame.counts, readout_of(frame.detector), degree=config.overscan_degree)
    return linearize(opened.pixels, frame.detector.coefficients)


def readout_of(detector: RawDetector) -> tuple[Amplifier, ...]:
    """Return where pixels and overscan of the simulated detector lie."""
    ny, nx = detector.shape
    data = Section(rows=(0, ny), columns=(0, nx))
    overscan = Section(rows=(0, ny), columns=(nx, nx + detector.overscan_pix))
    return (Amplifier(data=data, overscan=overscan, gain_e_adu=None),)


def calibrated(frame: RawFrame, masters: Masters, config: CalibrateConfig) -> Calibrated:
    """Apply masters to a raw frame."""
    detector = frame.detector
    facts = RawFacts(
        exposure_s=frame.exposure_s,
        gain_e_count=detector.gain_e_adu,
        read_noise_e=detector.read_noise_e,
        saturation_adu=detector.saturation_adu,
        coefficients=detector.coefficients,
    )
    opened = level(frame.counts, readout_of(detector), degree=config.overscan_degree)
    return apply_masters(opened, masters, facts, saturation_fraction=PreprocessConfig().saturation_fraction)


def block_errors(found: Calibrated, truth: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return relative errors of sums over blocks of 32 x 32 good pixels."""
    good = found.mask == 0
    blocks = [
        (np.where(good, found.pixels, 0.0)[box].sum(), np.where(good, truth, 0.0)[box].sum())
        for row in range(0, truth.shape[0] - _BLOCK_PIX + 1, _BLOCK_PIX)
        for column in range(0, truth.shape[1] - _BLOCK_PIX + 1, _BLOCK_PIX)
        for box in (np.s_[row : row + _BLOCK_PIX, column : column + _BLOCK_PIX],)
    ]
    return np.array([measured / expected - 1.0 for measured, expected in blocks])


def add_spikes(
    scene: Scene, seed: int, *, n_stars: int = 4, fade_pix: tuple[float, float] = (40.0, 160.0)
) -> FloatImage:
    """Return the frame with bright stars whose four spikes fade by e within ``fade_pix``, and edge-on galaxies."""
    rng = generator(seed, "spikes")
    light = np.zeros(scene.stars.shape)
    side = len(light)
    y, x = np.mgrid[0:side, 0:side].astype(float)
    for _ in range(n_stars):
        at_x, at_y, turn = rng.uniform(0, side), rng.uniform(0, side), rng.uniform(0, np.pi)
        strength, length = 10.0 ** rng.uniform(2.0, 3.3), rng.uniform(*fade_pix)
        for angle in (turn, turn + np.pi / 2.0):
            along = (x - at_x) * np.cos(angle) + (y - at_y) * np.sin(angle)
            across = (x - at_x) * np.sin(angle) - (y - at_y) * np.cos(angle)
            light += strength * np.exp(-np.abs(along) / length) * np.exp(-0.5 * (across / 1.3) ** 2)
        angle, scale = rng.uniform(0, np.pi), rng.uniform(8.0, 35.0)
        gx, gy = rng.uniform(0, side), rng.uniform(0, side)
        along = (x - gx) * np.cos(angle) + (y - gy) * np.sin(angle)
        across = (x - gx) * np.sin(angle) - (y - gy) * np.cos(angle)
        light += 10.0 ** rng.uniform(1.5, 3.0) * np.exp(-np.abs(along) / scale - np.abs(across) / (0.12 * scale))
    more = rng.poisson(light * GAIN) / GAIN
    return np.clip(scene.raw + more, 0.0, SATURATION_ADU).astype(np.float32)


def trail_covered(seed: int, *, peak_sigma: float, side: int) -> tuple[float, float]:
    """Put one trail into a frame; return the masked part of its pixels above half of its peak, and of the others."""
    scene = draw_scene(seed, fwhm_pix=3.0, side=side, hits_per_mpix=40.0)
    rng = generator(seed, "trail")
    noise = float(np.sqrt(SKY_ADU / GAIN + (READ_NOISE_E / GAIN) ** 2))
    trail = Trail(
        x_pix=float(rng.uniform(0.25, 0.75) * side),
        y_pix=float(rng.uniform(0.25, 0.75) * side),
        angle_rad=float(rng.uniform(0.0, np.pi)),
        fwhm_pix=float(rng.uniform(3.0, 5.0)),
        peak_adu=peak_sigma * noise,
    )
    light = trail.light(scene.raw.shape)
    raw = np.clip(scene.raw + rng.poisson(light * GAIN) / GAIN, 0.0, SATURATION_ADU).astype(np.float32)
    masked = (prepared(raw).image.mask & MaskPlane.TRAIL) != 0
    lit = light > 0.5 * trail.peak_adu
    return float(masked[lit].mean()), float((masked & (light < 0.05 * noise)).mean())


def main() -> int:
    """Measure and print; write the page where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=6, help="per line of a table")
    parser.add_argument("--size", type=int, default=1024)
    parser.add_argument("--page", action="store_true", help="write benchmarks/calibration.md")
    arguments = parser.parse_args()
    parts = [_truth_table(arguments.size), _ray_table(arguments), _trail_table(arguments)]
    command = " ".join(["python -m benchmarks.calibration", *sys.argv[1:]])
    text = f"# Calibration, cosmic rays and trails\n\nWritten by `{command}`.\n\n" + "\n\n".join(parts) + "\n"
    print(text)
    if arguments.page:
        PAGE.write_text(text)
    return 0


def _truth_table(size: int) -> str:
    config = CalibrateConfig()
    detector = draw_detector(1, (size, size))
    masters = masters_of(detector, 1, config, n_inputs=11)
    lines = [
        "## Raw frames against the truth\n",
        "Eleven inputs per master, cosmic rays in darks, stars in flats; pedestal, bias pattern, dark current with a",
        "warm corner, vignetting of 36 %, dust, 1 % pixel response, 6 % non-linearity at full scale. Errors of sums",
        "over blocks of 32 x 32 good pixels; pull: pixel minus truth over its error.\n",
        "| light, counts | exposure, s | median error | largest error | sigma of the pull | raw: largest error |",
        "|---|---|---|---|---|---|",
    ]
    for number, (light, seconds) in enumerate(((500.0, 60.0), (3000.0, 120.0), (20000.0, 300.0))):
        truth = even_light(detector.shape, 50 + number, level_adu=light, n_stars=60)
        frame = expose_raw(detector, truth, exposure_s=seconds, seed=900 + number)
        found = calibrated(frame, masters, config)
        errors, good = block_errors(found, truth), found.mask == 0
        if found.variance is None:
            raise ValueError("the simulated detector has a gain")
        pull = ((found.pixels - truth) / np.sqrt(found.variance))[good]
        raw = frame.counts[:, : detector.shape[1]] - np.float32(detector.pedestal_adu)
        before = block_errors(Calibrated(
            pixels=raw, variance=None, mask=found.mask, saturation=None, read_noise_e=None
        ), truth)  # fmt: skip
        lines.append(
            f"| {light:g} | {seconds:g} | {100 * np.median(errors):+.3f} % | {100 * np.abs(errors).max():.3f} % "
            f"| {np.std(pull):.3f} | {100 * np.abs(before).max():.1f} % |"
        )
    return "\n".join(lines)


def _ray_table(arguments: argparse.Namespace) -> str:
    lines = [
        "## Cosmic rays\n",
        f"{arguments.frames} frames of {arguments.size} x {arguments.size} pixels per line, {HITS_PER_MPIX:g} hits and",
        "1500 stars per megapixel. A hit pixel has a deposit of 5 sigma or more; a star pixel has 5 sigma or more of",
        "starlight, is three pixels or more from any deposit, and is lost when it is masked as a cosmic ray.\n",
        "| FWHM, pixels | hit pixels | masked | star pixels | lost |",
        "|---|---|---|---|---|",
    ]
    for fwhm in (1.6, 2.0, 2.5, 3.0, 4.0, 6.0):
        scores = [
            score_rays(draw_scene(seed, fwhm_pix=fwhm, side=arguments.size, hits_per_mpix=HITS_PER_MPIX))
            for seed in range(arguments.frames)
        ]
        whole = sum_rays(scores)
        lines.append(
            f"| {fwhm:g} | {whole.n_hit} | {100 * whole.n_hit_masked / whole.n_hit:.2f} % | {whole.n_star} "
            f"| {100 * whole.n_star_lost / whole.n_star:.3f} % |"
        )
    return "\n".join(lines)


def _trail_table(arguments: argparse.Namespace) -> str:
    lines = [
        "## Trails\n",
        f"{2 * arguments.frames} frames per line, one trail each. Found: more than 90 % of its pixels above half of",
        "its peak are masked.\n",
        "| peak, sigma of a sky pixel | found | its pixels masked | other pixels masked |",
        "|---|---|---|---|",
    ]
    for peak in (0.3, 0.5, 1.0, 3.0, 30.0):
        seen = [trail_covered(seed, peak_sigma=peak, side=arguments.size) for seed in range(2 * arguments.frames)]
        covered, others = np.array(seen).T
        lines.append(
            f"| {peak:g} | {(covered > 0.9).sum()} of {len(seen)} | {100 * covered.mean():.1f} % "
            f"| {100 * others.mean():.2f} % |"
        )
    n_false, n_frames, n_failed = 0, 0, 0
    for seed in range(6 * arguments.frames):
        scene = draw_scene(1000 + seed, fwhm_pix=3.0, side=arguments.size, hits_per_mpix=40.0)
        try:
            mask = prepared(add_spikes(scene, seed)).image.mask
        except Unprocessable:
            n_failed += 1
            continue
        n_frames += 1
        n_false += bool((mask & MaskPlane.TRAIL).any())
    lines.append(
        "\nFrames without a trail, each with four stars that have diffraction spikes (fading by e in 40-160 pixels)\n"
        "and four edge-on galaxies (scale length 8 to 35 pixels): a trail was found in "
        f"{n_false} of {n_frames}; {n_failed} more could not be prepared."
    )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
