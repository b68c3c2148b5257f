"""What forced photometry costs, by the part: ``python -m benchmarks.forced_photometry``.

One stored difference of ``--side`` pixels squared, with ``--entries`` objects on it; read, measured in the difference
and in the reference, and recorded in SQLite. The first reading of the file is left out of the times; medians of five.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import numpy as np
from astropy.wcs import WCS

from astrid_core.adapters.db.migrate import migrate
from astrid_core.catalog.entities import CatalogEntry, EntryStatus
from astrid_core.catalog.forced import forced_points, reference_fluxes
from astrid_core.differencing.products import read_difference, write_difference
from astrid_core.shared.images import PsfModel, SkyImage
from astrid_core.shared.sky import SkyPosition
from tests.adapters.databases import SqlDatabase
from tests.adapters.invented import difference_run, observation, preprocess_run, record_difference, reference
from tests.synthetic.differences import make_difference, moffat_psf

_TIMES = 5


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=2048)
    parser.add_argument("--entries", type=int, default=1000)
    arguments = parser.parse_args()
    side, n = arguments.side, arguments.entries
    frame = _wcs(side)
    result = make_difference((side, side), [], fwhm=3.0, noise=10.0, seed=1)
    plane = np.zeros((side, side), dtype=np.float32)
    psf = PsfModel(coefficients=moffat_psf(3.0, size=31)[None], degree=0, frame_shape=(side, side))
    image = SkyImage(pixels=result.difference, variance=result.variance, mask=result.mask, wcs=frame, psf=psf)
    registration = SimpleNamespace(offset_x_pix=0.0, offset_y_pix=0.0, rms_pix=0.1, n_matched=10)
    pair: Any = SimpleNamespace(
        difference=result,
        science=image,
        reference=SimpleNamespace(pixels=plane),
        flux_ratio=1.0,
        science_fwhm_pix=3.0,
        reference_fwhm_pix=3.0,
        registration=registration,
        quality=SimpleNamespace(level=SimpleNamespace(value="green")),
    )
    content = write_difference(pair)
    entries = _entries(frame, side, n)
    read_s, product = _timed(lambda: read_difference(content))
    measure_s, points = _timed(
        lambda: forced_points(
            product,
            entries,
            observation=observation(),
            prepared=preprocess_run(),
            difference=difference_run(),
            references=[reference()],
        )
    )
    reference_s, fluxes = _timed(lambda: reference_fluxes(reference(), image, entries))
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'astrid.sqlite'}"
        migrate(url)
        database = SqlDatabase(url)
        with database.transaction() as records:
            record_difference(records)
            for entry in entries:
                records.catalog.put(entry)
        began = time.perf_counter()
        with database.transaction() as records:
            records.forced.add_reference_fluxes(fluxes)
            records.forced.add(points)
        record_s = time.perf_counter() - began
        database.close()
    print(f"{side} x {side} pixels, {len(content) / 1e6:.0f} MB, {n} objects\n")
    print("| Part | s | ms per object |\n|---|---|---|")
    for name, seconds in (
        ("read the difference", read_s),
        ("measure in the difference", measure_s),
        ("measure in the reference, once", reference_s),
        ("record", record_s),
    ):
        print(f"| {name} | {seconds:.3f} | {1e3 * seconds / n:.3f} |")


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    found, times = work(), []
    for _ in range(_TIMES):
        began = time.perf_counter()
        found = work()
        times.append(time.perf_counter() - began)
    return statistics.median(times), found


def _wcs(side: int) -> WCS:
    made = WCS(naxis=2)
    made.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    made.wcs.crval = [150.0, 2.0]
    made.wcs.crpix = [side / 2, side / 2]
    made.wcs.cdelt = [-2e-4, 2e-4]
    return made


def _entries(frame: WCS, side: int, n: int) -> list[CatalogEntry]:
    places = np.random.default_rng(3).uniform(0.0, side, (n, 2))
    ra, dec = frame.all_pix2world(places, 0).T
    return [
        CatalogEntry(
            id=UUID(int=number),
            position=SkyPosition(ra_deg=float(one), dec_deg=float(its)),
            first_mjd=6e4,
            last_mjd=6e4,
            n_detections=1,
            best_score=1.0,
            peak_significance=9.0,
            status=EntryStatus.CANDIDATE,
        )
        for number, (one, its) in enumerate(zip(ra, dec, strict=True), start=1)
    ]


if __name__ == "__main__":
    main()
