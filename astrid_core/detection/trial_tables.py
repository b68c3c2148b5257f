"""A trial as ECSV tables: every injection with what became of it, and the curves."""

import io
from collections.abc import Mapping, Sequence

import numpy as np
from astropy.table import Column, Table
from numpy.typing import NDArray

from astrid_core.detection.trial import Recovery
from astrid_core.differencing.completeness import CONFIDENCE
from astrid_core.differencing.search_quality import SearchQuality

TABLE_TYPE = "text/ecsv"
"""Media type of both tables."""


def injection_table(recoveries: Sequence[Recovery], *, zero_point_mag: float | None) -> bytes:
    """Return one row per injection; what was not measured is NaN."""
    table = Table()
    plan = [one.injection for one in recoveries]
    flux = np.array([one.flux for one in plan], dtype=float)
    nan = float("nan")
    table["number"] = Column(np.array([one.number for one in plan], dtype=int), description="from 1")
    for name, values, unit, text in (
        ("ra_deg", [nan if one.position is None else one.position.ra_deg for one in recoveries], "deg", "ICRS"),
        ("dec_deg", [nan if one.position is None else one.position.dec_deg for one in recoveries], "deg", "ICRS"),
        ("x_pix", [one.x_pix for one in plan], "pix", "injected, 0-based column on the science frame"),
        ("y_pix", [one.y_pix for one in plan], "pix", "injected, 0-based row"),
        ("flux", flux, "ct", "injected, science counts; negative: a source of the reference only"),
        ("predicted_snr", [one.predicted_snr for one in plan], "", "flux over the noise of a PSF flux at its place"),
        ("mag_ab", np.full(len(flux), nan) if zero_point_mag is None else zero_point_mag - 2.5 * np.log10(np.abs(flux)),
         "mag", "of the injected flux; NaN without a zero point"),
    ):  # fmt: skip
        table[name] = _column(values, unit, text)
    table["on_galaxy"] = Column([one.on_host for one in plan], dtype=bool, description="in the light of a galaxy")
    table["is_candidate"] = Column([one.peak is not None for one in recoveries], dtype=bool, description="recovered")
    for name, attribute, unit, text in (
        ("found_x_pix", "x_pix", "pix", "of the candidate"),
        ("found_y_pix", "y_pix", "pix", "of the candidate"),
        ("found_score", "score", "", "signed S_corr, sigma"),
        ("found_flux", "flux", "ct", "measured PSF flux, science counts"),
        ("found_flux_err", "flux_err", "ct", "its standard deviation"),
    ):
        values = [nan if one.peak is None else getattr(one.peak, attribute) for one in recoveries]
        table[name] = _column(values, unit, text)
    scores = [nan if one.network_score is None else one.network_score for one in recoveries]
    table["network_score"] = _column(scores, "", "probability of being new in the sky; NaN if it was not scored")
    return _written(table)


def scores_of_recovered(table: bytes) -> NDArray[np.float64]:
    """Return what the network said of the recovered sources in a table of injections that it scored."""
    scores = np.asarray(Table.read(io.BytesIO(table), format="ascii.ecsv")["network_score"], dtype=float)
    known: NDArray[np.float64] = scores[np.isfinite(scores)]
    return known


def completeness_table(quality: SearchQuality) -> bytes:
    """Return one row per bin of every curve; half points, rates and fluxes are in the table's head."""
    rows = [
        (curve.level, curve.place, axis, one)
        for curve in quality.completeness
        for axis, bins in (("predicted_snr", curve.by_snr), ("mag_ab", curve.by_mag))
        for one in bins
    ]
    table = Table()
    for index, (name, text) in enumerate((
        ("level", "candidates of the score image, or detections of the network"),
        ("place", "everywhere, or in the light of galaxies"),
        ("axis", "what low and high are"),
    )):  # fmt: skip
        table[name] = Column([str(row[index]) for row in rows], dtype=str, description=text)
    bins = [row[3] for row in rows]
    for name, text in (
        ("low", "lower edge"),
        ("high", "upper edge"),
        ("n_injected", "sources"),
        ("n_recovered", "of these found again"),
        ("fraction", "recovered part; NaN where nothing was injected"),
        ("fraction_low", f"lower end of its {100 * CONFIDENCE:.0f} % interval"),
        ("fraction_high", "upper end"),
    ):
        values = [getattr(one, name) for one in bins]
        kind = int if name.startswith("n_") else float
        filled = [float("nan") if value is None else value for value in values]
        table[name] = Column(np.array(filled, dtype=kind), description=text)
    stored = quality.as_json()
    table.meta["half_points"] = [
        {"level": one.level, "place": one.place, **_known(stored_one["half"])}
        for one, stored_one in zip(quality.completeness, stored["completeness"], strict=True)
    ]
    table.meta["false_rates"] = stored["false_rates"]
    table.meta["fluxes"] = _known(stored["fluxes"])
    table.meta["notes"] = stored["notes"]
    return _written(table)


def _known(values: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in values.items() if value is not None}


def _column(values: Sequence[float] | np.ndarray, unit: str, text: str) -> Column:
    return Column(np.asarray(values, dtype=float), unit=unit or None, description=text)


def _written(table: Table) -> bytes:
    buffer = io.StringIO()
    table.write(buffer, format="ascii.ecsv")
    return buffer.getvalue().encode()
