"""Draw docs/pictures/sn2007i.png from the real pair: ``python -m docs.supernova FOLDER``.

FOLDER holds ``fors2_B_20070618_sci.fits`` (VLT/FORS2, ESO archive) and ``ps1_g_stack_ref.fits`` (Pan-STARRS1).
"""

import base64
import io
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from astropy.table import Row, Table
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from astrid_core.catalog.cutouts import cut, draw
from astrid_core.cli.main import main
from astrid_core.differencing.products import DifferenceProduct, read_difference
from astrid_core.shared.sky import SkyPosition, separation_arcsec

PICTURE = Path(__file__).resolve().parent / "pictures" / "sn2007i.png"
TRUTH = SkyPosition(ra_deg=179.80507, dec_deg=-1.60521)
_SIZE_PIX = 81
_TITLES = {
    "science": "VLT/FORS2 B, 2007-06-18",
    "reference": "Pan-STARRS1 g, 2010-2013",
    "difference": "difference",
    "score": "score",
}


def find(folder: Path, out: Path) -> tuple[Row, DifferenceProduct]:
    """Run ``astrid difference`` on the pair and return the candidate nearest to the supernova, and the product."""
    status = main([
        "difference",
        "--science", str(folder / "fors2_B_20070618_sci.fits"),
        "--reference", str(folder / "ps1_g_stack_ref.fits"),
        "--out", str(out),
    ])  # fmt: skip
    if status:
        raise SystemExit(status)
    candidates = Table.read(out / "candidates.ecsv")
    away = [
        separation_arcsec(TRUTH, SkyPosition(ra_deg=float(row["ra_deg"]), dec_deg=float(row["dec_deg"])))
        for row in candidates
    ]
    return candidates[int(np.argmin(away))], read_difference((out / "difference.fits").read_bytes())


def picture(found: Row, product: DifferenceProduct) -> bytes:
    """Return a PNG: science, reference, difference and score around the candidate, drawn as on the page of a night."""
    planes = {name: getattr(product, name) for name in _TITLES}
    stamps = {
        name: cut(plane, x_pix=float(found["x_pix"]), y_pix=float(found["y_pix"]), size=_SIZE_PIX)
        for name, plane in planes.items()
    }
    drawn = draw(stamps, significance=float(found["score"]))
    figure = Figure(figsize=(10.0, 3.1), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    for axes, (name, title) in zip(figure.subplots(1, 4), _TITLES.items(), strict=True):
        png = base64.b64decode(getattr(drawn, name).partition(",")[2])
        axes.imshow(Image.open(io.BytesIO(png)).convert("RGBA"), interpolation="nearest")
        axes.set_axis_off()
        axes.set_title(f"{title}, ±{drawn.score_limit:.0f} sigma" if name == "score" else title, fontsize=10)
    figure.suptitle(
        f"SN 2007I at RA {found['ra_deg']:.5f}, Dec {found['dec_deg']:+.5f}: {found['score']:+.1f} sigma", fontsize=11
    )
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


if __name__ == "__main__":
    with TemporaryDirectory() as scratch:
        PICTURE.write_bytes(picture(*find(Path(sys.argv[1]), Path(scratch))))
