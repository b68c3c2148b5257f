"""PSFs of stars against a kernel matched on all light, family by family of data: ``python -m benchmarks.methods``.

Pairs in which nothing is known to have changed are searched with each method as they are, and once more with the same
point sources of known flux in them. ``--page`` writes benchmarks/methods.md. It needs the real data (ASTRID_REAL_DATA).
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from astrid_core.differencing.completeness import EVERYWHERE, Completeness, match, measure_completeness
from astrid_core.differencing.config import METHODS, DifferenceConfig
from astrid_core.differencing.inject import Well, inject
from astrid_core.differencing.inject_config import InjectConfig
from astrid_core.differencing.inject_plan import Gains, Injection, appeared, plan_injections
from astrid_core.differencing.pair import PairDifference, difference_pair
from astrid_core.preprocessing.config import PreprocessConfig
from astrid_core.preprocessing.prepare import prepare
from astrid_core.shared.errors import Unprocessable
from astrid_core.shared.images import SkyImage
from astrid_core.simulate.config import SkyConfig
from astrid_core.simulate.pair import PairConfig, simulate_pair
from benchmarks.null_fields import nircam_frames
from benchmarks.real_frames import REAL_DATA, prepared_file

PAGE = Path(__file__).resolve().parent / "methods.md"
_BRIGHT_SNR = 8.0
_INJECT = InjectConfig(n_sources=150, faded_fraction=0.0)
_STILL = SkyConfig(transients_per_mpix=0.0, faded_per_mpix=0.0, variables_per_mpix=0.0, moving_per_mpix=0.0)
_KNOWN = {"pair-sn2007i": "SN 2007I is among its candidates"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two prepared images of one family of data."""

    family: str
    science: SkyImage
    reference: SkyImage
    trust_wcs: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """One pair, searched with one method, as it is and with injections."""

    family: str
    method: str
    taken: str
    """What ``auto`` took."""
    usable_mpix: float
    scores: tuple[float, ...]
    """Absolute scores of the candidates of the pair as it is."""
    injections: tuple[Injection, ...]
    recovered: tuple[bool, ...]


def pairs(n_simulated: int) -> Iterator[Pair]:
    """Return still simulated skies, then every family of real pairs."""
    for seed in range(n_simulated):
        made = simulate_pair(PairConfig(side_pix=1024, sky=_STILL), seed)
        images = [
            prepare(pixels, wcs=wcs, detector=detector, config=PreprocessConfig()).image
            for pixels, wcs, detector in (
                (made.science, made.science_wcs, made.science_detector),
                (made.reference, made.reference_wcs, made.reference_detector),
            )
        ]
        yield Pair(family="simulated", science=images[0], reference=images[1])
    first, second = nircam_frames()
    frames = [prepared_file(path) for path in sorted((REAL_DATA / "series-hatp32").glob("*.FITS"))]
    folder = REAL_DATA / "pair-sn2007i"
    fors2, ps1 = (prepared_file(folder / name) for name in ("fors2_B_20070618_sci.fits", "ps1_g_stack_ref.fits"))
    for family, science, reference in (
        ("pair-nircam", second, first),
        ("pair-nircam", first, second),
        *(("series-hatp32", one, other) for one, other in pairwise(frames)),
        ("pair-sn2007i", fors2, ps1),
        ("pair-sn2007i", ps1, fors2),
    ):
        yield Pair(family=family, science=science[0].image, reference=reference[0].image, trust_wcs=science[1])


def search(pair: Pair) -> Iterator[Search]:
    """Search a pair with each method; the injections are those that fit the PSFs of the stars."""
    as_is = {name: _differenced(pair, pair.science, name) for name in METHODS}
    by_stars = as_is["zogy"]
    if by_stars is None:
        return
    plan = plan_injections(by_stars, _INJECT, Gains(science=None, reference=None, takes_faded=False), seed=1)
    with_sources = inject(pair.science, appeared(plan), Well(), seed=1)
    for name, before in as_is.items():
        after = _differenced(pair, with_sources, name)
        if before is None or after is None:
            continue
        reach = _INJECT.match_fwhm * max(after.science_fwhm_pix, after.reference_fwhm_pix)
        yield Search(
            family=pair.family,
            method=name,
            taken=before.difference.method,
            usable_mpix=float((before.difference.mask == 0).sum()) / 1e6,
            scores=tuple(abs(peak.score) for peak in before.peaks),
            injections=plan,
            recovered=tuple(number is not None for number in match(plan, after.peaks, reach)),
        )


def _differenced(pair: Pair, science: SkyImage, method: str) -> PairDifference | None:
    """Return the difference; None where the method finds too little to go by."""
    config = replace(DifferenceConfig(), method=method)
    try:
        return difference_pair(science, pair.reference, config, trust_science_wcs=pair.trust_wcs)
    except Unprocessable as error:
        print(f"{pair.family}: {method}: {error}", file=sys.stderr)
        return None


def table(found: Sequence[Search]) -> str:
    """Return a row per family and method."""
    columns = (
        "family", "method", "pairs", "Mpix", "candidates per Mpix above 5 and 7.5 sigma", "S/N at 50 % (95 %)",
        f"recovered from S/N {_BRIGHT_SNR:g} on",
    )  # fmt: skip
    lines = [f"| {' | '.join(columns)} |", "|" + "---|" * len(columns)]
    for family in dict.fromkeys(one.family for one in found):
        for name in METHODS:
            members = [one for one in found if (one.family, one.method) == (family, name)]
            if members:
                lines.append(_row(family, name, members))
    return "\n".join(lines)


def _row(family: str, name: str, members: Sequence[Search]) -> str:
    area = sum(one.usable_mpix for one in members)
    scores = np.array([score for one in members for score in one.scores])
    injections = [one for member in members for one in member.injections]
    recovered = np.array([one for member in members for one in member.recovered], dtype=bool)
    bright = np.array([one.predicted_snr >= _BRIGHT_SNR for one in injections], dtype=bool)
    curve = measure_completeness(
        injections,
        recovered,
        level=name,
        place=EVERYWHERE,
        snr_edges=np.geomspace(*_INJECT.snr, _INJECT.n_bins + 1),
        zero_point_mag=None,
    )
    taken = Counter(one.taken for one in members)
    method = name if name != "auto" else "auto: " + ", ".join(f"{count} {what}" for what, count in taken.items())
    return (
        f"| {family} | {method} | {len(members)} | {area:.2f} | {(scores >= 5.0).sum() / area:.1f}, "
        f"{(scores >= 7.5).sum() / area:.1f} | {_half(curve)} | {100 * recovered[bright].mean():.0f} % |"
    )


def _half(curve: Completeness) -> str:
    snr, low, high = curve.half.snr, curve.half.low, curve.half.high
    return " ".join(
        ["-" if snr is None else f"{snr:.2f}", "" if low is None or high is None else f"({low:.2f}-{high:.2f})"]
    )


def page(found: Sequence[Search], command: str) -> str:
    """Return benchmarks/methods.md."""
    notes = [f"- {family}: {note}." for family, note in _KNOWN.items()]
    return f"""# Which PSFs to subtract with

Written by `{command}`: whole chain, PSFs measured, with the PSFs of stars (`zogy`), with a kernel matched on all
light (`kernel`), and as the default decides (`auto`: a kernel where the score is noisier on sources than on the sky
by more than a factor {DifferenceConfig().max_source_noise:g}, at least {DifferenceConfig().min_kernel_sources} bright
sources tell the kernel, and the error on sources falls by it). Every method searched the same pixels with the same
{_INJECT.n_sources} injections per pair; their S/N is that predicted with the PSFs of stars, and they bring no photon
noise of their own. No network has sorted the candidates; in real pairs many are cosmic-ray tracks.

{table(found)}

{chr(10).join(notes)}
- Alert stamps are too small for a kernel: they hold fewer bright sources than it needs.
"""


def main() -> None:
    """Compare the methods and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--simulated", type=int, default=3, help="simulated pairs of 1024 x 1024 pixels")
    parser.add_argument("--page", action="store_true", help="write benchmarks/methods.md")
    arguments = parser.parse_args()
    found = [one for pair in pairs(arguments.simulated) for one in search(pair)]
    print(table(found))
    if arguments.page:
        PAGE.write_text(page(found, " ".join(["python -m benchmarks.methods", *sys.argv[1:]])))


if __name__ == "__main__":
    main()
