"""Real frames and star lists of others, tied to real stars: HSC, PANOPTES, GOTO."""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.utils.exceptions import AstropyWarning
from astropy.wcs import WCS

from astrid_core.adapters.catalogs.tables import read_star_table
from astrid_core.observations.frames import Frame, read_frame
from astrid_core.observations.headers import read_facts
from astrid_core.observations.places import sky_wcs
from astrid_core.preprocessing.catalog_stars import CatalogStars
from astrid_core.preprocessing.config import AstrometryConfig, PreprocessConfig
from astrid_core.preprocessing.patterns import find_pattern
from astrid_core.preprocessing.pixel_map import PixelMap
from astrid_core.preprocessing.solve_wcs import solve
from astrid_core.preprocessing.star_positions import StarPositions, detect_stars
from astrid_core.preprocessing.tangent_plane import sky_of
from astrid_core.preprocessing.wcs_quality import AstrometricSolution
from astrid_core.shared.errors import NoAstrometricSolution
from benchmarks.real_frames import REAL_DATA

CONFIG = AstrometryConfig()
_HSC = REAL_DATA / "astrometry-hsc"
_HSC_SHAPE = (4176, 2048)
_PANOPTES = REAL_DATA / "wcs-panoptes"
_GOTO = REAL_DATA / "registration-goto"
_DETECTION = PreprocessConfig()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tied:
    """One frame and its solution, or the reason why there is none."""

    name: str
    solution: AstrometricSolution | None
    reason: str = ""


def hsc_ccds(names: tuple[str, ...] | None = None) -> Iterator[Tied]:
    """Solve star lists of single CCDs of one exposure of Subaru/HSC against a Gaia extract, from the raw header."""
    stars = read_star_table(_HSC / "gaia_refCat.parquet", catalog="Gaia extract")
    paths = sorted(_HSC.glob("1180_*.fits"), key=lambda path: int(path.stem.split("_")[1]))
    for path in paths:
        if names is None or path.stem in names:
            with fits.open(path) as hdus:
                header, table = hdus[0].header, hdus[1].data
                xy, err = (
                    np.column_stack([table[x], table[y]]).astype(float) for x, y in (("x", "y"), ("xErr", "yErr"))
                )
                found = StarPositions(xy=xy, flux=1.0 / err.mean(axis=1), err_pix=err)
                yield _tied(path.stem, found, _HSC_SHAPE, stars.at(float(header["MJD"])), sky_wcs((header,)))


def _tied(name: str, found: StarPositions, shape: tuple[int, int], stars: CatalogStars, wcs: WCS | None) -> Tied:
    try:
        solution = solve(found.xy, found.flux, shape=shape, stars=stars, wcs=wcs, err_pix=found.err_pix, config=CONFIG)
    except NoAstrometricSolution as error:
        return Tied(name=name, solution=None, reason=str(error))
    return Tied(name=name, solution=solution)


def read(path: Path) -> Frame:
    """Return the first image of a file."""
    content = path.read_bytes()
    facts = read_facts(content, name=path.name)[0]
    return read_frame(content, extension=facts.extension, name=path.name)


def stars_of(frame: Frame) -> StarPositions:
    """Return the stars of a frame."""
    return detect_stars(frame.pixels, frame.mask, _DETECTION)


def panoptes_frames() -> Iterator[Tied]:
    """Solve frames without a WCS against the stars of solved.fits.fz, placed on the sky by its own WCS."""
    solved = read(_PANOPTES / "solved.fits.fz")
    assert solved.wcs is not None  # noqa: S101 - of this file it is known
    found = stars_of(solved)
    sky = sky_of(solved.wcs, found.xy)
    nan = np.full(len(found), np.nan)
    catalog = CatalogStars(
        catalog="stars of solved.fits.fz", epoch_yr=2016.7, ra_deg=sky[:, 0] % 360.0, dec_deg=sky[:, 1],
        ra_err_mas=nan, dec_err_mas=nan, pm_ra_mas_yr=nan, pm_dec_mas_yr=nan,
        mags={"counts": -2.5 * np.log10(found.flux)}, mag_errs={"counts": nan},
    )  # fmt: skip
    for name in ("unsolved", "tiny", "noheader", "rotation", "pole"):
        frame = read(_PANOPTES / f"{name}.fits")
        yield _tied(name, stars_of(frame), frame.pixels.shape, catalog, frame.wcs)


def unsolved_offset(solution: AstrometricSolution) -> tuple[float, float]:
    """Return where solved.fits.fz sees what the middle of unsolved.fits shows, minus that middle, pixels."""
    solved = read(_PANOPTES / "solved.fits.fz")
    middle = np.array([[349.5, 349.5]])
    assert solved.wcs is not None  # noqa: S101 - of this file it is known
    with warnings.catch_warnings(action="ignore", category=AstropyWarning):
        there = np.asarray(solved.wcs.all_world2pix(sky_of(solution.wcs, middle), 0)) - middle
    return float(there[0, 0]), float(there[0, 1])


def goto_pattern() -> PixelMap | None:
    """Return the map from 3.fits onto 4.fits by patterns of their stars."""
    source, target = (stars_of(read(_GOTO / name)) for name in ("3.fits", "4.fits"))
    return find_pattern(source.xy, target.xy)
