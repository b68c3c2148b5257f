"""Search an exposure as it is and once more with sources of known flux in it."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from astrid_core.detection.config import TrainConfig
from astrid_core.detection.pixel_classes import KnownSource
from astrid_core.detection.training_set import LabelledFrame
from astrid_core.differencing.config import DifferenceConfig
from astrid_core.differencing.inject import Well, inject, measure_gain
from astrid_core.differencing.inject_config import InjectConfig
from astrid_core.differencing.inject_plan import Gains, Injection, appeared, faded, plan_injections
from astrid_core.differencing.pair import PairDifference, difference_pair
from astrid_core.differencing.products import read_difference, write_difference
from astrid_core.preprocessing.config import PreprocessConfig
from astrid_core.shared.errors import Unprocessable
from astrid_core.shared.images import SkyImage

LEARNT_SNR = (3.5, 60.0)
"""Of sources to learn from: fainter than a candidate to brighter than any doubt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InjectedConfig:
    """All settings that decide what a frame with injections shows that is learnt from."""

    inject: InjectConfig
    preprocess: PreprocessConfig
    difference: DifferenceConfig

    @classmethod
    def of(
        cls, train: TrainConfig, inject: InjectConfig, preprocess: PreprocessConfig, difference: DifferenceConfig
    ) -> "InjectedConfig":
        """Return the settings of production with other sources than those that measure, and fainter candidates."""
        return cls(
            inject=replace(inject, snr=LEARNT_SNR, seed=train.seed, shadow_fraction=0.0),
            preprocess=preprocess,
            difference=replace(difference, threshold_sigma=train.threshold_sigma),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialPair:
    """Two prepared images with their PSFs, and what is known about the science detector."""

    science: SkyImage
    reference: SkyImage
    well: Well
    trust_science_wcs: bool = True
    zero_point_mag: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Searched:
    """A pair searched as it is and with injections."""

    before: PairDifference
    after: PairDifference
    plan: tuple[Injection, ...]
    gains: Gains


def search_with_injections(
    pair: TrialPair,
    config: InjectConfig,
    difference: DifferenceConfig,
    *,
    seed: int,
    progress: Callable[[str], None] = lambda _: None,
) -> Searched:
    """Search a pair, inject into it by plan, and search it again by the same chain.

    Equal arguments give equal results. Raises what ``difference_pair`` raises, and Unprocessable where no pixel is free
    for an injection.
    """
    progress("searching the exposure as it is")
    before = difference_pair(pair.science, pair.reference, difference, trust_science_wcs=pair.trust_science_wcs)
    gains = _gains(pair, before)
    plan = plan_injections(before, config, gains, seed=seed)
    if not plan:
        raise Unprocessable("no room for an injection", usable_pix=int((before.difference.mask == 0).sum()))
    progress(f"searching it with {len(plan)} injected sources")
    after = difference_pair(
        inject(pair.science, appeared(plan), pair.well, seed=seed),
        inject(
            pair.reference,
            faded(plan, before, pair.reference),
            Well(gain_e_count=measure_gain(pair.reference)),
            seed=seed + 1,
        ),
        difference,
        trust_science_wcs=pair.trust_science_wcs,
    )
    return Searched(before=before, after=after, plan=plan, gains=gains)


def labelled(searched: Searched, number: int, *, is_all_known: bool) -> LabelledFrame:
    """Return the search with injections as a frame to learn from; see LabelledFrame for what is known."""
    changed = [
        KnownSource(x_pix=one.x_pix, y_pix=one.y_pix, predicted_snr=one.predicted_snr, kind="injected")
        for one in searched.plan
    ]
    # Written and read, so that the network sees what it will be shown.
    return LabelledFrame(
        number=number,
        product=read_difference(write_difference(searched.after)),
        candidates=searched.after.peaks,
        changed=changed,
        is_all_known=is_all_known,
    )


def _gains(pair: TrialPair, before: PairDifference) -> Gains:
    reference = measure_gain(pair.reference)
    return Gains(
        science=pair.well.gain_e_count,
        reference=None if reference is None else reference / before.flux_ratio,
        takes_faded=before.science.wcs is not None and pair.reference.wcs is not None,
    )
