"""Write docs/tutorial.md and its pictures (``python -m docs.tutorial``): a pair in, candidates out.

Every number on the page is measured by the run that makes it.
"""

import contextlib
import io
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from astropy.io import fits
from astropy.table import Row, Table
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from astrid_core.cli.main import main
from astrid_core.differencing.noise import robust_sigma
from astrid_core.differencing.products import DifferenceProduct, read_difference
from astrid_core.shared.images import MaskPlane

HERE = Path(__file__).resolve().parent
PAGE = HERE / "tutorial.md"
SIMULATE = (
    "--seed", "4", "--fields", "1", "--size", "700", "--nights", "2", "--exposures", "1", "--reference-exposures", "1",
    "--transients", "25", "--faded", "10", "--trails", "0",
)  # fmt: skip
SCIENCE, REFERENCE = "survey/2024-03-05/field1_r_1.fits", "survey/2024-03-01/field1_r_1.fits"
_TEXT = """# A pair in, candidates out

Two exposures of one field, some nights apart, and what `astrid difference` makes of them. This page and its
pictures are written by `python -m docs.tutorial`, which runs the two commands below and measures every number here.

```
astrid simulate --out survey {simulate}
astrid difference --science {science} --reference {reference} --out result
```

The first command draws a small survey with known transients (`survey/truth.ecsv`); any two FITS images of one field
do as well. The second writes `result/difference.fits` and `result/candidates.ecsv` ([columns and
extensions](science.md#what-astrid-difference-writes)).

![Science, reference, difference and score](pictures/tutorial_pair.png)

Gray runs over ±8 standard deviations of D in the first three panels, and over ±8 sigma in the last. Masked pixels
are white in D. Circles are candidates: orange for what brightened, blue for what faded.

## From two images to one

The reference (FWHM {reference_fwhm:.1f} pixels after registration) was brought onto the grid of the science image
(FWHM {science_fwhm:.1f} pixels) with {stars} common stars, which afterwards scatter by {rms:.2f} pixels per axis;
the header of the science image was off by ({shift_x:+.2f}, {shift_y:+.2f}) pixels (REGDX, REGDY). A star has
{ratio:.3f} times as many counts in the science image as in the reference (FLXRATIO), and the reference was
multiplied by that.

**D** (DIFFERENCE) is then the proper difference: a source that brightened by F counts stands in it as F times the
PSF in extension PSF, on white noise. Stars that did not change are gone, although the seeing differed.

**S_corr** (SCORE) answers for every pixel: how many standard deviations is the brightness of a point source here
away from zero? It is the PSF flux at that place over its error, and the error holds photon noise of both images,
and what registration, PSFs and flux scale leave in doubt on bright sources.

## Whether the sigmas are sigmas

![Distribution of the score](pictures/tutorial_noise.png)

If S_corr is what it says, its values where nothing changed follow a normal distribution of width 1. Measured on
this pair: {sky_sigma:.2f} on empty sky, {source_sigma:.2f} on stars and galaxies. What exceeds the dotted line on
the far left and right are the things that did change. Before the last division the width was {raw_noise:.2f}
(SCORESIG): resampling makes neighbouring pixels depend on each other, which no variance of single pixels knows. Far
from 1 it says that the input variances are wrong. ASTRNOIS, here {astrometric:.3f} pixels, is the misregistration
that had to be allowed for beyond what was fitted and taken out.

## Candidates

{n_candidates} peaks of |S_corr| above 5 sigma on the {usable:.0%} of the frame that no mask covers. {n_true} of
them lie on something that the simulator did change.

| x, y, pixels | S_corr | flux, counts | chi2 | flags | what was put there |
|---|---|---|---|---|---|
{rows}

- **x, y** with errors: where the PSF flux is extreme, between the pixels.
- **S_corr**: signed; negative is fainter than in the reference.
- **flux**: by how many counts of the science image the source changed.
- **chi2**: near 1 for a point source. Larger: extended, blended, moved while the shutter was open, or an artefact.
- **flags**: mask planes within one FWHM ([bits](science.md#what-astrid-difference-writes)). DIPOLE says that a
  source of opposite sign beside it belongs to it: something moved; FILLED that a part of the light was masked.

No network has seen these yet: `astrid run` scores candidates and makes a catalog of them ([commands](commands.md)).
"""
_STRETCH = 8.0
_NEAR_PIX = 3.0
_LIT_SIGMA = 5.0


def run(folder: Path) -> tuple[DifferenceProduct, Table, Table, fits.Header]:
    """Simulate a pair and subtract it with the commands that the page shows; return result, candidates, truth."""
    for command in (
        ["simulate", "--out", str(folder / "survey"), *SIMULATE],
        ["difference", "--science", str(folder / SCIENCE), "--reference", str(folder / REFERENCE),
         "--out", str(folder / "result")],
    ):  # fmt: skip
        with contextlib.redirect_stdout(io.StringIO()):
            status = main(command)
        if status:
            raise SystemExit(status)
    content = (folder / "result" / "difference.fits").read_bytes()
    with fits.open(io.BytesIO(content)) as hdus:
        header = hdus[0].header.copy()
    truth = Table.read(folder / "survey" / "truth.ecsv")
    return read_difference(content), Table.read(folder / "result" / "candidates.ecsv"), truth, header


def kinds(candidates: Table, truth: Table) -> list[str]:
    """Return for each candidate what the simulator put there: what changed first, else the nearest thing."""
    science, reference = (name.removeprefix("survey/") for name in (SCIENCE, REFERENCE))
    # What moved through the reference is gone from there.
    here = truth[[
        name in {science, ""} or (name == reference and kind == "moving")
        for name, kind in zip(truth["exposure"].filled(""), truth["kind"], strict=True)
    ]]  # fmt: skip
    found = []
    for row in candidates:
        away = np.hypot(here["ra_deg"] - row["ra_deg"], here["dec_deg"] - row["dec_deg"]) * 3600.0
        near = here[away < _NEAR_PIX]
        changed = [kind for kind in near["kind"] if kind in {"transient", "variable", "moving"}]
        found.append(changed[0] if changed else str(near["kind"][0]) if len(near) else "nothing known")
    return found


def overview(product: DifferenceProduct, candidates: Table) -> bytes:
    """Draw both images, D and S_corr, the candidates circled."""
    noise = robust_sigma(product.difference[product.mask == 0])
    panels = (
        ("science", product.science, noise), ("reference, registered and scaled", product.reference, noise),
        ("D", product.difference, noise), ("S_corr", product.score, 1.0),
    )  # fmt: skip
    figure = Figure(figsize=(9.0, 9.2), dpi=90, layout="constrained")
    FigureCanvasAgg(figure)
    for axes, (title, plane, unit) in zip(figure.subplots(2, 2).ravel(), panels, strict=True):
        axes.imshow(
            plane, origin="lower", cmap="gray", vmin=-_STRETCH * unit, vmax=_STRETCH * unit, interpolation="none"
        )
        axes.set_title(title, fontsize=10)
        axes.set_axis_off()
        for sign, colour in ((1, "tab:orange"), (-1, "tab:cyan")):
            chosen = candidates[np.sign(candidates["score"]) == sign]
            axes.scatter(chosen["x_pix"], chosen["y_pix"], s=90, facecolors="none", edgecolors=colour, linewidths=1.0)
    return _png(figure)


def noise_picture(score: NDArray[np.float32], lit: NDArray[np.bool_], good: NDArray[np.bool_]) -> bytes:
    """Draw the distribution of the score on sky and on sources beside that of unit noise."""
    figure = Figure(figsize=(7.0, 3.4), dpi=90, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    edges = np.linspace(-8.0, 8.0, 81)
    for name, chosen in (("empty sky", good & ~lit), ("on stars and galaxies", good & lit)):
        axes.hist(score[chosen], bins=edges.tolist(), density=True, histtype="step", label=name)
    axes.plot(edges, np.exp(-0.5 * edges**2) / np.sqrt(2 * np.pi), "k:", label="unit noise")
    axes.set_yscale("log")
    axes.set_ylim(1e-5, 1.0)
    axes.set_xlabel("S_corr, sigma")
    axes.set_ylabel("share of pixels per sigma")
    axes.legend(fontsize=8)
    return _png(figure)


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def page(
    product: DifferenceProduct, candidates: Table, truth: Table, header: fits.Header, lit: NDArray[np.bool_]
) -> str:
    """Return the page."""
    good = product.mask == 0
    names = kinds(candidates, truth)
    rows = [_row(row, name) for row, name in zip(candidates, names, strict=True)]
    return _TEXT.format(
        simulate=" ".join(SIMULATE), science=SCIENCE, reference=REFERENCE, ratio=header["FLXRATIO"],
        science_fwhm=header["SCIFWHM"], reference_fwhm=header["REFFWHM"],
        shift_x=header["REGDX"], shift_y=header["REGDY"], stars=header["REGSTARS"], rms=header["REGRMS"],
        raw_noise=header["SCORESIG"], astrometric=header["ASTRNOIS"],
        sky_sigma=robust_sigma(product.score[good & ~lit]), source_sigma=robust_sigma(product.score[good & lit]),
        n_candidates=len(candidates), n_true=sum(name in {"transient", "variable", "moving"} for name in names),
        usable=good.mean(), rows="\n".join(rows),
    )  # fmt: skip


def _row(row: Row, name: str) -> str:
    place = ", ".join(f"{row[f'{axis}_pix']:.1f} ± {row[f'{axis}_err_pix']:.2f}" for axis in "xy")
    flux = f"{row['flux']:.0f} ± {row['flux_err']:.0f}"
    return f"| {place} | {row['score']:+.1f} | {flux} | {row['chi2']:.1f} | {_flags(int(row['flags']))} | {name} |"


def _flags(bits: int) -> str:
    return ", ".join(str(plane.name) for plane in MaskPlane if bits & plane) or "none"


def write(folder: Path) -> None:
    """Write page and pictures."""
    product, candidates, truth, header = run(folder)
    good = product.mask == 0
    lit = product.reference > _LIT_SIGMA * np.sqrt(np.nanmedian(product.variance))
    (HERE / "pictures" / "tutorial_pair.png").write_bytes(overview(product, candidates))
    (HERE / "pictures" / "tutorial_noise.png").write_bytes(noise_picture(product.score, lit, good))
    PAGE.write_text(page(product, candidates, truth, header, lit))


if __name__ == "__main__":
    with TemporaryDirectory() as scratch:
        write(Path(scratch))
