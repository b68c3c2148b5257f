"""Candidates of real pairs without a known transient, and what the shipped network says of them: docs/null_fields.md.

Run ``python -m benchmarks.null_fields``; it needs the real data (ASTRID_REAL_DATA).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from astrid_core.adapters.models.baseline import read_shipped
from astrid_core.bootstrap import load_pipeline
from astrid_core.detection.cutouts import cut_stamps
from astrid_core.detection.judgement import LIKELY
from astrid_core.detection.ports import Network
from astrid_core.differencing.completeness import false_rate
from astrid_core.differencing.extract import Peak
from astrid_core.differencing.pair import PairDifference, difference_pair
from astrid_core.differencing.products import read_difference, write_difference
from astrid_core.preprocessing.prepare import PreparedImage
from benchmarks.real_frames import REAL_DATA, prepared_file
from benchmarks.real_pairs import LEARNT

PAGE = Path(__file__).resolve().parents[1] / "docs" / "null_fields.md"
THRESHOLD = 7.5
_REACH_PIX = 30
_SERIES = "series-hatp32"
_NIRCAM = {"first": "01324001001-01324-o001_t001", "second": "02561001002-02561-o001_t003"}


@dataclass(frozen=True, slots=True, kw_only=True)
class NullPair:
    """One differenced pair without a known transient."""

    field: str
    name: str
    pair: PairDifference
    scores: tuple[float | None, ...]
    """Of the network, one per candidate of the pair; None where it cannot judge."""

    @property
    def n_usable_pix(self) -> int:
        """Pixels that were searched."""
        return int((self.pair.difference.mask == 0).sum())

    @property
    def usable_mpix(self) -> float:
        """Area that was searched."""
        return self.n_usable_pix / 1e6

    @property
    def is_learnt(self) -> bool:
        """The network has seen one of its exposures."""
        return self.field == _SERIES and any(int(name) < LEARNT.stop for name in self.name.split(" - "))

    @property
    def strong(self) -> tuple[Peak, ...]:
        """Candidates above the threshold, strongest first."""
        return tuple(peak for peak in self.pair.peaks if abs(peak.score) >= THRESHOLD)

    @property
    def n_accepted(self) -> int:
        """Candidates that the network takes for real."""
        return sum(score is not None and score >= LIKELY for score in self.scores)

    @property
    def listed(self) -> tuple[tuple[Peak, float | None], ...]:
        """Candidates above the threshold or accepted, strongest first, with the score of the network."""
        return tuple(
            (peak, score)
            for peak, score in zip(self.pair.peaks, self.scores, strict=True)
            if abs(peak.score) >= THRESHOLD or (score is not None and score >= LIKELY)
        )


def nircam_frames() -> tuple[tuple[PreparedImage, bool], ...]:
    """Return the two NIRCam images, prepared, and whether their WCS may be trusted."""
    folder = REAL_DATA / "pair-nircam"
    return tuple(
        prepared_file(
            folder / f"jw{stem}_nircam_clear-f200w_i2d_stamp.fits",
            noise=folder / f"jw{stem}_nircam_clear-f200w_i2d_stamp.noise.fits",
        )
        for stem in _NIRCAM.values()
    )


def null_pairs(network: Network) -> Iterator[NullPair]:
    """Difference both orders of the NIRCam pair, then each frame of the HAT-P-32 series with the next and with the
    middle one; score what stands out.
    """
    first, second = nircam_frames()
    yield _differenced("pair-nircam", "second - first", second, first, network)
    yield _differenced("pair-nircam", "first - second", first, second, network)
    frames = [prepared_file(path) for path in sorted((REAL_DATA / _SERIES).glob("*.FITS"))]
    last, middle = len(frames) - 1, len(frames) // 2
    pairs = [(n, n + 1) for n in range(last)] + [(n, middle) for n in range(last + 1) if abs(n - middle) > 1]
    for one, other in pairs:
        yield _differenced(_SERIES, f"{one} - {other}", frames[one], frames[other], network)


def explain(peak: Peak, one: NullPair) -> str:
    """Say what the pixels around a candidate show; of a weak one, whose width is uncertain, only where it is."""
    pair, names = one.pair, one.name.split(" - ")
    image, fwhm, name = (
        (pair.science, pair.science_fwhm_pix, names[0])
        if peak.score > 0
        else (pair.reference, pair.reference_fwhm_pix, names[1])
    )
    if abs(peak.score) < THRESHOLD:
        return f"brighter in exposure {name}; the PSF there is {fwhm:.1f} pix wide"
    row, column = round(peak.y_pix), round(peak.x_pix)
    top, left = max(0, row - _REACH_PIX), max(0, column - _REACH_PIX)
    around = np.nan_to_num(image.pixels[top : row + _REACH_PIX + 1, left : column + _REACH_PIX + 1])
    y, x = np.unravel_index(np.argmax(around), around.shape)
    away = float(np.hypot(x + left - column, y + top - row))
    own = float(np.abs(np.nan_to_num(pair.difference.difference[row - 1 : row + 2, column - 1 : column + 2])).max())
    times = float(around[y, x]) / own
    if peak.fwhm_pix > 1.1 * fwhm and times > 100.0:
        return (
            f"wider than the PSF ({fwhm:.1f} pix), {away:.0f} pix from a star whose peak is {times:.0f} times higher: "
            f"its reflection in exposure {name}"
        )
    if not np.isfinite(peak.fwhm_pix) or peak.fwhm_pix < 0.95 * fwhm:
        return f"sharper than the PSF ({fwhm:.1f} pix), in exposure {name} only: cosmic-ray track"
    return f"as wide as the PSF ({fwhm:.1f} pix), in exposure {name} only: a short track, or a flash of minutes"


def page(pairs: tuple[NullPair, ...]) -> str:
    """Return the page: a row per set, per pair, and per candidate."""
    sigma = load_pipeline().difference.threshold_sigma
    first_head = "set | searched, Mpix | candidates | per Mpix | accepted | accepted per Mpix | 95 % interval"
    lines = [
        "# What stands out where nothing changed",
        "",
        "Real pairs without a known transient, differenced with the settings of production and scored by the network",
        f"that comes with the code. It learnt from the first {LEARNT.stop} exposures of series-hatp32, with sources in",
        "them; pairs that hold one of those are counted apart. Written by `python -m benchmarks.null_fields`.",
        f"Candidates are those from {sigma:g} sigma on, both signs; accepted are scores of {LIKELY:g} or more.",
        "Intervals are Poisson's, of 95 %.",
        "",
        f"| {first_head} | above {THRESHOLD:g} sigma | of them accepted |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for field, is_learnt in dict.fromkeys((one.field, one.is_learnt) for one in pairs):
        members = [one for one in pairs if (one.field, one.is_learnt) == (field, is_learnt)]
        lines.append(_row_of_set(f"{field}, {len(members)} pairs{' learnt from' if is_learnt else ''}", members))
    second_head = "set | pair | searched, Mpix | candidates | not scored | accepted | accepted per Mpix"
    lines += [
        "",
        "The HAT-P-32 pairs share their frames: what is in one of them counts in each of its pairs, and the interval",
        "is too narrow by that much. The two NIRCam pairs are one in both orders.",
        "",
        f"| {second_head} | above {THRESHOLD:g} sigma | registration rms, pix | noise of the score |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {one.field} | {one.name} | {one.usable_mpix:.3f} | {len(one.pair.peaks)} | {one.scores.count(None)} "
        f"| {one.n_accepted} | {one.n_accepted / one.usable_mpix:.1f} | {len(one.strong)} "
        f"| {one.pair.registration.rms_pix:.2f} | {one.pair.difference.score_noise:.2f} |"
        for one in pairs
    ]
    lines += [
        "",
        f"Each of those above {THRESHOLD:g} sigma, and of those that the network accepts:",
        "",
        "| set | pair | x, y | sigma | score | FWHM, pix | what it is |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {one.field} | {one.name} | {peak.x_pix:.1f}, {peak.y_pix:.1f} | {peak.score:+.1f} | {_score(score)} "
        f"| {_width(peak.fwhm_pix)} | {explain(peak, one)} |"
        for one in pairs
        for peak, score in one.listed
    ]
    return "\n".join(lines) + "\n"


def _row_of_set(name: str, members: Sequence[NullPair]) -> str:
    n_pix, n_accepted = (sum(getattr(one, what) for one in members) for what in ("n_usable_pix", "n_accepted"))
    n_candidates = sum(len(one.pair.peaks) for one in members)
    rate = false_rate(n_accepted, n_pix)
    strong = [score for one in members for peak, score in one.listed if peak in one.strong]
    n_believed = sum(score is not None and score >= LIKELY for score in strong)
    return (
        f"| {name} | {n_pix / 1e6:.2f} | {n_candidates} | {n_candidates / n_pix * 1e6:.1f} | {n_accepted} "
        f"| {rate.per_mpix:.1f} | {rate.low:.1f} to {rate.high:.1f} | {len(strong)} | {n_believed} |"
    )


def _score(score: float | None) -> str:
    return "none" if score is None else f"{score:.3f}"


def _width(fwhm_pix: float) -> str:
    return f"{fwhm_pix:.1f}" if np.isfinite(fwhm_pix) else "none"


def _differenced(
    field: str,
    name: str,
    science: tuple[PreparedImage, bool],
    reference: tuple[PreparedImage, bool],
    network: Network,
) -> NullPair:
    settings = load_pipeline()
    pair = difference_pair(science[0].image, reference[0].image, settings.difference, trust_science_wcs=science[1])
    # Written and read, so that the network sees what it sees of every other difference.
    product = read_difference(write_difference(pair))
    stamps = cut_stamps(product, pair.peaks, size_pix=network.stamp_pix, config=settings.detect)
    told = dict(zip(stamps.index.tolist(), network.judge(stamps).score.tolist(), strict=True))
    return NullPair(field=field, name=name, pair=pair, scores=tuple(told.get(n) for n in range(len(pair.peaks))))


def main() -> None:
    """Write docs/null_fields.md and print it."""
    text = page(tuple(null_pairs(read_shipped().network)))
    PAGE.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
