"""Frames to train on: simulated pairs sent through the same preparation and subtraction as real ones."""

import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import numpy as np
import structlog
from scipy import ndimage

from astrid_core.detection.config import TrainConfig
from astrid_core.detection.pixel_classes import KnownDefect, KnownSource
from astrid_core.detection.training_set import LabelledFrame, assign_frames, label
from astrid_core.differencing.config import DifferenceConfig
from astrid_core.differencing.extract import extract
from astrid_core.differencing.pair import PairDifference, difference_pair
from astrid_core.differencing.products import read_difference, write_difference
from astrid_core.differencing.subtract import VERSION as DIFFERENCE_VERSION
from astrid_core.differencing.subtract import subtract
from astrid_core.preprocessing.config import PreprocessConfig
from astrid_core.preprocessing.prepare import VERSION as PREPARE_VERSION
from astrid_core.preprocessing.prepare import Detector, prepare
from astrid_core.shared.errors import Unprocessable
from astrid_core.shared.images import FloatImage, SkyImage
from astrid_core.shared.runs import run_key
from astrid_core.simulate.config import VERSION as SIMULATE_VERSION
from astrid_core.simulate.pair import PairConfig, SimulatedPair, simulate_pair
from astrid_core.simulate.seeds import generator

VERSION = 5
"""Raise when the same settings should give other frames."""

_MOST_WORKERS = 4
_THREADS = "OMP_NUM_THREADS"
_SPOILT_PIX, _SPOILT_FLUX = 0.7, 0.06
"""Largest error per axis, and largest relative one."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedFrames:
    """The frames of a training, made in parallel processes, in order."""

    train: TrainConfig
    preprocess: PreprocessConfig
    difference: DifferenceConfig
    pair: PairConfig = field(default_factory=PairConfig)
    """Frames that only measure, and quiet ones, are drawn from this; the others show more of everything."""

    @property
    def recipe(self) -> str:
        """Names how the frames are made."""
        versions = (VERSION, SIMULATE_VERSION, PREPARE_VERSION, DIFFERENCE_VERSION)
        return run_key("training-frames", VERSION, self, [str(version) for version in versions])

    def __iter__(self) -> Iterator[LabelledFrame]:
        """Give the frames in order; a pair that cannot be differenced is left out."""
        n_frames = self.train.n_frames + self.train.n_quiet
        n_workers = min(_MOST_WORKERS, os.cpu_count() or 1, n_frames)
        # Spawned, not forked: the caller may hold the threads of TensorFlow or of a database.
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(n_workers, mp_context=context) as pool:
            with _one_thread_each():
                all_made = pool.map(self._frame_or_reason, range(n_frames))
            for number, made in enumerate(all_made):
                if isinstance(made, str):
                    log.info("frame.skipped", frame=number, reason=made)
                else:
                    yield from made

    def _frame_or_reason(self, number: int) -> tuple[LabelledFrame, ...] | str:
        try:
            return self.make(number)
        except Unprocessable as error:
            return str(error)

    def make(self, number: int) -> tuple[LabelledFrame, ...]:
        """Return a frame and, unless it is quiet or only measures, its spoilt twin.

        Raises Unprocessable if the pair cannot be prepared or differenced.
        """
        seed = int(generator(self.train.seed, "training frame", number).integers(2**62))
        is_quiet = number >= self.train.n_frames
        is_plain = is_quiet or assign_frames(self.train)[number] in {"calibration", "test"}
        pair = replace(self.pair, side_pix=self.train.quiet_pix if is_quiet else self.train.frame_pix)
        pair = quiet(pair) if is_quiet else pair
        simulated = simulate_pair(pair if is_plain else enriched(pair, seed), seed)
        # So many stars vary in these frames that a kernel would be tried on their account, and one would mend what is
        # spoilt on purpose.
        config = replace(self.difference, threshold_sigma=self.train.threshold_sigma, method="zogy")
        found = difference_pair(
            self._prepared(simulated.science, simulated.science_wcs, simulated.science_detector),
            self._prepared(simulated.reference, simulated.reference_wcs, simulated.reference_detector),
            config,
        )
        if is_plain:
            return (_labelled(number, found, simulated),)
        whole = _labelled(number, with_hits(found, config), simulated)
        return (whole, _without_stars(_labelled(number, with_hits(spoilt(found, config, seed), config), simulated)))

    def _prepared(self, counts: FloatImage, wcs: object, detector: Detector) -> SkyImage:
        return prepare(counts, wcs=wcs, detector=detector, config=self.preprocess).image


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Let processes that start meanwhile use one thread: several on each core only wait for one another."""
    before = os.environ.get(_THREADS)
    os.environ[_THREADS] = "1"
    try:
        yield
    finally:
        del os.environ[_THREADS]
        if before is not None:
            os.environ[_THREADS] = before


def _labelled(number: int, pair: PairDifference, simulated: SimulatedPair) -> LabelledFrame:
    changed = [
        KnownSource(x_pix=one.x_pix, y_pix=one.y_pix, predicted_snr=one.predicted_snr, kind=one.kind)
        for one in simulated.sources
    ]
    # Written and read, so that the network sees what it will be shown.
    product = replace(read_difference(write_difference(pair)), wcs=None)
    defects = [KnownDefect(x_pix=one.x_pix, y_pix=one.y_pix, kind=one.kind) for one in simulated.defects]
    return LabelledFrame(number=number, product=product, candidates=pair.peaks, changed=changed, defects=defects)


def _without_stars(frame: LabelledFrame) -> LabelledFrame:
    """Leave out what lies on variable stars: spoilt, they look like all the other stars."""
    transients = [one for one in frame.changed if one.kind != "variable"]
    is_real, _ = label(frame.candidates, frame.changed, fwhm_pix=frame.product.science_fwhm_pix)
    is_transient, _ = label(frame.candidates, transients, fwhm_pix=frame.product.science_fwhm_pix)
    chosen = is_transient | ~is_real
    return replace(frame, candidates=[one for one, keep in zip(frame.candidates, chosen, strict=True) if keep])


def with_hits(pair: PairDifference, config: DifferenceConfig) -> PairDifference:
    """Return the pair with the peaks, too, that are no candidates because bad pixels explain them: a network should
    know what to do with those that slip through.
    """
    blind = replace(
        pair.difference,
        science_pixel=np.zeros_like(pair.difference.science_pixel),
        reference_pixel=np.zeros_like(pair.difference.reference_pixel),
    )
    return replace(pair, peaks=extract(blind, threshold_sigma=config.threshold_sigma, limit=config.max_candidates))


def spoilt(pair: PairDifference, config: DifferenceConfig, seed: int) -> PairDifference:
    """Return the pair as a poor registration and a wrong flux scale would leave it."""
    rng = generator(seed, "spoilt")
    shift, scale = rng.uniform(-_SPOILT_PIX, _SPOILT_PIX, 2), 1.0 + rng.uniform(-_SPOILT_FLUX, _SPOILT_FLUX)
    pixels = np.where(np.isfinite(pair.reference.pixels), pair.reference.pixels, np.float32(0.0))
    moved = ndimage.shift(pixels.astype(float) * scale, shift, order=3, mode="nearest")
    reference = replace(pair.reference, pixels=moved.astype(np.float32))
    return replace(pair, reference=reference, difference=subtract(pair.science, reference, config))


def quiet(pair: PairConfig) -> PairConfig:
    """Return settings under which nothing in the sky changes."""
    sky = replace(pair.sky, transients_per_mpix=0.0, faded_per_mpix=0.0, variables_per_mpix=0.0, moving_per_mpix=0.0)
    return replace(pair, sky=sky)


def enriched(pair: PairConfig, seed: int) -> PairConfig:
    """Return settings under which more changes and more goes wrong, and conditions vary more from frame to frame."""
    rng = generator(seed, "enriched")
    narrow, wide = sorted(rng.uniform(0.8 * pair.conditions.seeing_pix[0], 1.3 * pair.conditions.seeing_pix[1], 2))
    conditions = replace(
        pair.conditions,
        seeing_pix=(float(max(1.8, narrow)), float(max(2.0, wide))),
        moffat_beta=float(rng.uniform(2.5, 4.5)),
        psf_variation=float(rng.uniform(0.0, 0.1)),
        wcs_error_pix=float(rng.uniform(0.2, 1.5)),
        cosmic_rays_per_mpix=12.0 * pair.conditions.cosmic_rays_per_mpix,
        trails_per_exposure=1.2,
    )
    camera = replace(
        pair.camera,
        hot_pixels_per_mpix=6.0 * pair.camera.hot_pixels_per_mpix,
        bad_columns_per_mpix=3.0 * pair.camera.bad_columns_per_mpix,
    )
    sky = replace(
        pair.sky,
        stars_per_mpix=float(pair.sky.stars_per_mpix * np.exp(rng.uniform(-0.2, 0.6))),
        transients_per_mpix=2.0 * pair.sky.transients_per_mpix,
        faded_per_mpix=2.0 * pair.sky.faded_per_mpix,
        variables_per_mpix=2.0 * pair.sky.variables_per_mpix,
    )
    return replace(pair, conditions=conditions, camera=camera, sky=sky, clipped_fraction=0.92 * pair.clipped_fraction)
