"""Every candidate above 7.5 sigma in real pairs that hold no known transient, before any network: docs/null_fields.md.

Run ``python -m benchmarks.null_fields``; it needs the real data (ASTRID_REAL_DATA).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from astrid_core.differencing.config import DifferenceConfig
from astrid_core.differencing.extract import Peak
from astrid_core.differencing.pair import PairDifference, difference_pair
from astrid_core.preprocessing.prepare import PreparedImage
from benchmarks.real_frames import REAL_DATA, prepared_file

PAGE = Path(__file__).resolve().parents[1] / "docs" / "null_fields.md"
THRESHOLD = 7.5
_REACH_PIX = 30
_NIRCAM = {"first": "01324001001-01324-o001_t001", "second": "02561001002-02561-o001_t003"}


@dataclass(frozen=True, slots=True, kw_only=True)
class NullPair:
    """One differenced pair without a known transient."""

    field: str
    name: str
    pair: PairDifference

    @property
    def usable_mpix(self) -> float:
        """Area that was searched."""
        return float((self.pair.difference.mask == 0).sum()) / 1e6

    @property
    def strong(self) -> tuple[Peak, ...]:
        """Candidates above the threshold, strongest first."""
        return tuple(peak for peak in self.pair.peaks if abs(peak.score) >= THRESHOLD)


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


def null_pairs() -> Iterator[NullPair]:
    """Difference both orders of the NIRCam pair, then each frame of the HAT-P-32 series with the next and with the
    middle one.
    """
    first, second = nircam_frames()
    yield _differenced("pair-nircam", "second - first", second, first)
    yield _differenced("pair-nircam", "first - second", first, second)
    frames = [prepared_file(path) for path in sorted((REAL_DATA / "series-hatp32").glob("*.FITS"))]
    last, middle = len(frames) - 1, len(frames) // 2
    pairs = [(n, n + 1) for n in range(last)] + [(n, middle) for n in range(last + 1) if abs(n - middle) > 1]
    for one, other in pairs:
        yield _differenced("series-hatp32", f"{one} - {other}", frames[one], frames[other])


def explain(peak: Peak, one: NullPair) -> str:
    """Say what the pixels around a candidate show."""
    pair, names = one.pair, one.name.split(" - ")
    image, fwhm, name = (
        (pair.science, pair.science_fwhm_pix, names[0])
        if peak.score > 0
        else (pair.reference, pair.reference_fwhm_pix, names[1])
    )
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
    """Return the page: a row per pair, a row per candidate."""
    lines = [
        "# What stands out where nothing changed",
        "",
        "Real pairs without a known transient, differenced with the default settings, before any network. Written by",
        f"`python -m benchmarks.null_fields`; candidates above {THRESHOLD} sigma, both signs.",
        "",
        "| set | searched, Mpix | candidates | per Mpix |",
        "|---|---|---|---|",
    ]
    for field in dict.fromkeys(one.field for one in pairs):
        members = [one for one in pairs if one.field == field]
        area, count = sum(one.usable_mpix for one in members), sum(len(one.strong) for one in members)
        lines.append(f"| {field}, {len(members)} pairs | {area:.2f} | {count} | {count / area:.1f} |")
    lines += ["", "| set | pair | searched, Mpix | candidates | registration rms, pix | noise of the score |"]
    lines += ["|---|---|---|---|---|---|"]
    lines += [
        f"| {one.field} | {one.name} | {one.usable_mpix:.3f} | {len(one.strong)} | {one.pair.registration.rms_pix:.2f} "
        f"| {one.pair.difference.score_noise:.2f} |"
        for one in pairs
    ]
    lines += [
        "",
        "Each of them:",
        "",
        "| set | pair | x, y | score | FWHM, pix | what it is |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {one.field} | {one.name} | {peak.x_pix:.1f}, {peak.y_pix:.1f} | {peak.score:+.1f} | "
        f"{_width(peak.fwhm_pix)} | {explain(peak, one)} |"
        for one in pairs
        for peak in one.strong
    ]
    return "\n".join(lines) + "\n"


def _width(fwhm_pix: float) -> str:
    return f"{fwhm_pix:.1f}" if np.isfinite(fwhm_pix) else "none"


def _differenced(
    field: str, name: str, science: tuple[PreparedImage, bool], reference: tuple[PreparedImage, bool]
) -> NullPair:
    pair = difference_pair(science[0].image, reference[0].image, DifferenceConfig(), trust_science_wcs=science[1])
    return NullPair(field=field, name=name, pair=pair)


def main() -> None:
    """Write docs/null_fields.md and print it."""
    text = page(tuple(null_pairs()))
    PAGE.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
