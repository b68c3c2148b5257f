"""One file, its stars, a catalog: its sky coordinates."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from astrid_core.bootstrap import Pipeline
    from astrid_core.observations.headers import FrameFacts
    from astrid_core.preprocessing.ports import StarCatalog
    from astrid_core.preprocessing.wcs_quality import AstrometricSolution
    from astrid_core.shared.sky import Region

_WCS_CARD = re.compile(
    r"WCSAXES|(CTYPE|CRVAL|CRPIX|CUNIT|CDELT|CROTA|CRDER|CSYER)\d|(CD|PC|PV|PS)\d+_\d+|PC\d{6}|[AB]P?_(ORDER|DMAX|\d_\d)"
    r"|LONPOLE|LATPOLE|RADESYS|RADECSYS|EQUINOX|EPOCH|WAT\d_\d+|(D2IM|CPDIS|DP|DQ|CQDIS).*"
)


def solve_file(
    path: Path, catalog: "StarCatalog", pipeline: "Pipeline", *, region: "Region | None" = None
) -> "AstrometricSolution":
    """Solve the first image of a file; ``region`` is where to look for one without a position.

    Raises NoAstrometricSolution, UnusableFile or NotCovered; each names the file.
    """
    from astrid_core.shared.errors import Unprocessable

    try:
        return _solved(path, catalog, pipeline, region)
    except Unprocessable as error:
        if "file" in error.facts:
            raise
        raise type(error)(error.message, file=path.name, **error.facts) from error


def _solved(path: Path, catalog: "StarCatalog", pipeline: "Pipeline", region: "Region | None") -> "AstrometricSolution":
    from astrid_core.observations.entities import WcsOrigin
    from astrid_core.observations.frames import read_frame
    from astrid_core.preprocessing.solve_wcs import search_region, solve
    from astrid_core.preprocessing.star_positions import detect_stars
    from astrid_core.shared.errors import NoAstrometricSolution

    content = path.read_bytes()
    facts = _first_image(content, path)
    frame = read_frame(content, extension=facts.extension, name=path.name)
    wcs, origin = frame.wcs, frame.wcs_origin
    if region is not None and origin is not WcsOrigin.HEADER:
        wcs, origin = None, None  # who names a region knows more than a pointing
    if wcs is not None and origin is not None:
        region = search_region(wcs, frame.pixels.shape, origin, pipeline.astrometry)
    if region is None:
        raise NoAstrometricSolution("image has no position: say where to look with --region")
    found = detect_stars(frame.pixels, frame.mask, pipeline.preprocess)
    stars = catalog.stars(region, max_stars=pipeline.astrometry.max_stars)
    return solve(
        found.xy,
        found.flux,
        shape=frame.pixels.shape,
        stars=stars if facts.mid_mjd is None else stars.at(facts.mid_mjd),
        wcs=wcs,
        origin=origin,
        err_pix=found.err_pix,
        config=pipeline.astrometry,
    )


def _first_image(content: bytes, path: Path) -> "FrameFacts":
    from astrid_core.observations.headers import read_facts
    from astrid_core.shared.errors import UnusableFile

    facts = next(iter(read_facts(content, name=path.name)), None)
    if facts is None:
        raise UnusableFile("file holds no image", file=path.name)
    return facts


def write_solved(path: Path, solution: "AstrometricSolution", out: Path) -> None:
    """Write a copy of a file whose first image has the solution in its header; CRDER is its scatter."""
    import io

    from astropy.io import fits

    from astrid_core.observations.config import IngestConfig
    from astrid_core.observations.structure import inflate

    content = path.read_bytes()
    extension = _first_image(content, path).extension
    with fits.open(
        io.BytesIO(inflate(content, name=path.name, config=IngestConfig())), do_not_scale_image_data=True
    ) as hdus:
        header = hdus[extension].header
        for card in [key for key in header if _WCS_CARD.fullmatch(key)]:
            del header[card]
        header.update(solution.wcs.to_header(relax=True))
        header["CRDER1"] = (solution.rms_x_mas / 3.6e6, "[deg] scatter of stars along x")
        header["CRDER2"] = (solution.rms_y_mas / 3.6e6, "[deg] scatter of stars along y")
        header["HISTORY"] = f"astrometry: {solution.method}, {solution.n_matched} stars of {solution.catalog}"[:72]
        hdus.writeto(out, overwrite=True, output_verify="silentfix")
