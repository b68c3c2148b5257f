"""CPU time of preparing one frame, against source-extractor, PSFEx and SCAMP: ``python -m benchmarks.preparation``.

The three are programs of the Debian packages source-extractor, psfex and scamp (``apt-get install``); without them only
our own figures are given. One simulated frame, one catalog of its stars, one thread, repeats in turn. ``--page`` writes
benchmarks/preparation.md.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from astropy.io import fits

from astrid_core.observations.entities import WcsOrigin
from astrid_core.observations.frames import read_frame
from astrid_core.preprocessing.catalog_stars import CatalogStars
from astrid_core.preprocessing.config import AstrometryConfig, PreprocessConfig, ZeroPointConfig
from astrid_core.preprocessing.prepare import Detector, prepare
from astrid_core.preprocessing.tie_exposure import CatalogBands, tie_exposure
from astrid_core.simulate.files import exposure_to_fits
from benchmarks.simulated_exposures import Scenario, catalog_of, expose_field

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "benchmarks" / "preparation.md"
CHAIN = ("source-extractor", "psfex", "scamp")
THEIRS = (*CHAIN, "scamp without pattern matching")
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
_PARAMETERS = (
    "NUMBER", "X_IMAGE", "Y_IMAGE", "XWIN_IMAGE", "YWIN_IMAGE", "ERRAWIN_IMAGE", "ERRBWIN_IMAGE", "ERRTHETAWIN_IMAGE",
    "FLUX_AUTO", "FLUXERR_AUTO", "FLUX_APER(1)", "FLUXERR_APER(1)", "FLUX_RADIUS", "ELONGATION", "SNR_WIN", "FLAGS",
    "VIGNET(35,35)",
)  # fmt: skip
"""What PSFEx and SCAMP ask for in their manuals."""


def simulate(folder: Path, side: int) -> None:
    """Write one raw frame, and the catalog of its stars in both forms."""
    scenario = Scenario(name="speed", side_pix=side, stars_per_mpix=700.0, colour_term=0.1)
    exposed, field, plan = expose_field(scenario, 11)
    (folder / "frame.fits").write_bytes(exposure_to_fits(exposed, object_name="speed", band="r"))
    _, _, stars = catalog_of(scenario, field, plan, 11)
    np.savez(folder / "stars.npz", ra=stars.ra_deg, dec=stars.dec_deg, b=stars.mags["b"], r=stars.mags["r"])
    _write_ldac(folder / "stars.cat", stars)


def _write_ldac(path: Path, stars: CatalogStars) -> None:
    """Write a reference catalog as SCAMP reads it (ASTREF_CATALOG FILE): FITS-LDAC."""
    card = np.array([fits.Header([("EXTEND", True)]).tostring(endcard=True, padding=True)])
    header = fits.BinTableHDU.from_columns(
        [fits.Column("Field Header Card", f"{len(card[0])}A", array=card)], name="LDAC_IMHEAD"
    )
    n, error_deg = len(stars), np.full(len(stars), 10.0 / 3.6e6)
    columns = {
        "X_WORLD": ("1D", "deg", stars.ra_deg),
        "Y_WORLD": ("1D", "deg", stars.dec_deg),
        "ERRA_WORLD": ("1E", "deg", error_deg),
        "ERRB_WORLD": ("1E", "deg", error_deg),
        "ERRTHETA_WORLD": ("1E", "deg", np.zeros(n)),
        "MAG": ("1E", "mag", stars.mags["r"]),
        "MAGERR": ("1E", "mag", stars.mag_errs["r"]),
        "OBSDATE": ("1D", "yr", np.full(n, stars.epoch_yr)),
    }
    objects = fits.BinTableHDU.from_columns(
        [fits.Column(name, form, unit=unit, array=values) for name, (form, unit, values) in columns.items()],
        name="LDAC_OBJECTS",
    )
    fits.HDUList([fits.PrimaryHDU(), header, objects]).writeto(path)


def ours(folder: Path) -> dict[str, float]:
    """Return the CPU seconds of every step, and what came out."""
    table = np.load(folder / "stars.npz")
    nothing = np.full(len(table["ra"]), np.nan)
    stars = CatalogStars(
        catalog="simulated", epoch_yr=2023.0, ra_deg=table["ra"], dec_deg=table["dec"], ra_err_mas=nothing,
        dec_err_mas=nothing, pm_ra_mas_yr=nothing, pm_dec_mas_yr=nothing, mags={"b": table["b"], "r": table["r"]},
        mag_errs={"b": np.full(len(nothing), 0.01), "r": np.full(len(nothing), 0.01)},
    )  # fmt: skip
    marks = [("", time.process_time())]
    frame = read_frame((folder / "frame.fits").read_bytes(), extension=0, name="frame")
    if frame.wcs is None:
        raise ValueError("a simulated frame has a WCS")
    marks.append(("read", time.process_time()))
    prepared = prepare(
        frame.pixels,
        wcs=frame.wcs,
        detector=Detector(gain_e_count=1.6, read_noise_e=6.0, saturation=60000.0),
        config=PreprocessConfig(),
    )
    marks.append(("mask, background, PSF", time.process_time()))
    tied = tie_exposure(
        prepared,
        stars.take(np.argsort(stars.mags["r"], kind="stable")),
        origin=WcsOrigin.HEADER,
        bands=CatalogBands(band="r", colour=("b", "r")),
        airmass=None,
        astrometry=AstrometryConfig(),
        zero_point=ZeroPointConfig(),
    )
    if tied.astrometry is None or tied.photometry is None:
        raise ValueError(f"the simulated frame could not be tied: {', '.join(tied.untied)}")
    marks.append(("astrometry, zero point, quality", time.process_time()))
    steps = {name: now - before for (_, before), (name, now) in pairwise(marks)}
    return steps | {
        "n_sources": len(prepared.sources),
        "n_psf_stars": prepared.quality.n_stars,
        "n_matched": tied.astrometry.n_matched,
        "rms_x_mas": tied.astrometry.rms_x_mas,
        "rms_y_mas": tied.astrometry.rms_y_mas,
        "zero_point_err_mag": tied.photometry.zero_point_err_mag,
        "limiting_mag": tied.quality.limiting_mag or np.nan,
    }


def chain(folder: Path) -> dict[str, float]:
    """Return the CPU seconds of the programs on the frame, the last one in two ways."""
    names = ("default.conv", "default.nnw")
    for name in names:
        shutil.copy(Path("/usr/share/source-extractor") / name, folder)
    (folder / "chain.param").write_text("\n".join(_PARAMETERS) + "\n")
    quiet = {"VERBOSE_TYPE": "QUIET", "WRITE_XML": "N"}
    extract = quiet | {
        "CATALOG_NAME": "frame.cat", "CATALOG_TYPE": "FITS_LDAC", "PARAMETERS_NAME": "chain.param",
        "FILTER": "N", "DETECT_THRESH": "5", "ANALYSIS_THRESH": "5", "DETECT_MINAREA": "5", "BACK_SIZE": "64",
        "SATUR_LEVEL": "57000", "GAIN": "1.6", "PIXEL_SCALE": "0", "CHECKIMAGE_TYPE": "NONE", "NTHREADS": "1",
    }  # fmt: skip
    model = quiet | {
        "PSF_SIZE": "31,31", "PSFVAR_DEGREES": "2", "CHECKPLOT_TYPE": "NONE", "CHECKPLOT_DEV": "NULL",
        "CHECKIMAGE_TYPE": "NONE", "NTHREADS": "1",
    }  # fmt: skip
    solve = quiet | {
        "ASTREF_CATALOG": "FILE", "ASTREFCAT_NAME": "stars.cat", "ASTREFMAG_KEY": "MAG", "DISTORT_DEGREES": "1",
        "CHECKPLOT_TYPE": "NONE", "CHECKPLOT_DEV": "NULL", "NTHREADS": "1",
    }  # fmt: skip
    steps = (("frame.fits", extract), ("frame.cat", model), ("frame.cat", solve), ("frame.cat", solve | {"MATCH": "N"}))
    return {
        name: _spent(folder, [program, file, *(word for key, value in options.items() for word in (f"-{key}", value))])
        for name, program, (file, options) in zip(THEIRS, (*CHAIN, CHAIN[-1]), steps, strict=True)
    }


def _spent(folder: Path, command: Sequence[str]) -> float:
    """Return user and system seconds of a program; raise CalledProcessError where it fails."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, cwd=folder, env=os.environ | _ONE_THREAD, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def _ours_in_a_process(folder: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.preparation", "--child", str(folder)]
    done = subprocess.run(command, check=True, cwd=ROOT, env=os.environ | _ONE_THREAD, stdout=subprocess.PIPE)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def run(side: int, repeats: int) -> dict[str, list[dict[str, float]]]:
    """Return what every repeat took, ours and theirs in turn; theirs is missing where a program is."""
    sides: dict[str, Callable[[Path], dict[str, float]]] = {"ours": _ours_in_a_process}
    if all(shutil.which(name) for name in CHAIN):
        sides["theirs"] = chain
    results: dict[str, list[dict[str, float]]] = {name: [] for name in sides}
    with tempfile.TemporaryDirectory(prefix="astrid_preparation_") as work:
        simulate(Path(work), side)
        for _ in range(repeats):
            for name, measure in sides.items():
                results[name].append(measure(Path(work)))
    return results


STEPS = ("read", "mask, background, PSF", "astrometry, zero point, quality")


def table(results: Mapping[str, Sequence[Mapping[str, float]]]) -> str:
    """Return a row per step, medians over the repeats, and the ratio."""
    lines = ["| step | CPU s, median | least | most |", "|---|---|---|---|"]
    own = [sum(one[step] for step in STEPS) for one in results["ours"]]
    lines += [_line(f"ours: {step}", [one[step] for one in results["ours"]]) for step in STEPS]
    lines.append(_line("**ours, together**", own))
    theirs = results.get("theirs", ())
    if not theirs:
        return "\n".join([*lines, "| theirs | not measured: apt-get install source-extractor psfex scamp | | |"])
    lines += [_line(f"theirs: {name}", [one[name] for one in theirs]) for name in THEIRS]
    for last in THEIRS[2:]:
        whole = [sum(one[name] for name in (*CHAIN[:2], last)) for one in theirs]
        lines.append(_line(f"**theirs, together, {last}**", whole))
        lines.append(_line("**ours / theirs**, repeat by repeat", [a / b for a, b in zip(own, whole, strict=True)]))
    return "\n".join(lines)


def _line(name: str, values: Sequence[float]) -> str:
    return f"| {name} | {np.median(values):.2f} | {min(values):.2f} | {max(values):.2f} |"


def page(results: Mapping[str, Sequence[Mapping[str, float]]], side: int, command: str) -> str:
    """Return benchmarks/preparation.md."""
    last = results["ours"][-1]
    return f"""# Preparing a frame

Written by `{command}`: user and system seconds of one thread for one simulated frame of {side} x {side} pixels, ours
and the programs of Debian in turn, {len(results["ours"])} repeats. Ours: masks with cosmic rays, background, variance
and PSF (`prepare`), then astrometry, zero point and quality by the stars of a catalog (`tie_exposure`): what a night
runs. Importing Python's libraries, once per worker, is left out. Theirs: source-extractor (detection at the same
threshold, no cosmic rays), PSFEx of second degree, SCAMP of first degree against the same catalog as a file, with its
search for the pattern of the stars and without. The header's WCS is right to a pixel; ours begins with a vote on a
shift, and searches for a pattern only where that leads nowhere.

{table(results)}

Ours found {last["n_sources"]:.0f} sources, made the PSF of {last["n_psf_stars"]:.0f} stars, matched
{last["n_matched"]:.0f} stars to {last["rms_x_mas"]:.0f} and {last["rms_y_mas"]:.0f} mas rms per axis, and told the zero
point to {1000.0 * last["zero_point_err_mag"]:.1f} mmag.
"""


def main() -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, default=2048)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--page", action="store_true", help="write benchmarks/preparation.md")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child is not None:
        print(json.dumps(ours(arguments.child)))
        return 0
    results = run(arguments.side, arguments.repeats)
    print(table(results))
    if arguments.page:
        command = " ".join(["python -m benchmarks.preparation", *sys.argv[1:]])
        PAGE.write_text(page(results, arguments.side, command))
    return 0


if __name__ == "__main__":
    sys.exit(main())
