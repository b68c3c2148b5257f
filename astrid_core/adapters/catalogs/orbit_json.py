"""Orbits as the Minor Planet Center publishes them in JSON: mpcorb_extended.json and its extracts.

What cannot be read is named by the number of its record, counted from 1.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from astrid_core.catalog.kepler import GAUSS, FloatArray
from astrid_core.catalog.orbits import DEFAULT_G, UNRATED, Elements
from astrid_core.shared.errors import UnexpectedAnswer

_MJD = 2400000.5
_MJD_0 = date(1858, 11, 17).toordinal()


def read_json_orbits(path: Path, content: bytes) -> Elements:
    """Return the orbits of a list of records; UnexpectedAnswer names the first that cannot be read."""
    try:
        records = json.loads(content)
    except ValueError as error:
        raise UnexpectedAnswer("file of orbits is no JSON", file=path, cause=str(error)) from error
    if not records:
        raise UnexpectedAnswer("file holds no orbits", file=path)

    def column(name: str, read: Callable[[Mapping[str, Any]], float]) -> FloatArray:
        values = np.empty(len(records))
        for number, record in enumerate(records):
            try:
                values[number] = read(record)
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                raise UnexpectedAnswer(
                    "record of a file of orbits cannot be read", file=path, record=number + 1, field=name
                ) from error
        return values

    def number(name: str, default: float | None = None) -> FloatArray:
        return column(name, lambda record: float(record[name] if default is None else record.get(name, default)))

    epoch = number("Epoch") - _MJD
    axis_au, eccentricity = number("a"), number("e")
    bad = np.flatnonzero(~((axis_au > 0.0) & (eccentricity >= 0.0) & (eccentricity < 1.0)))
    if len(bad):
        raise UnexpectedAnswer("record of a file of orbits is no ellipse", file=path, record=int(bad[0]) + 1)
    since_deg = (number("M") + 180.0) % 360.0 - 180.0
    return Elements(
        names=np.array(_names(records), dtype=object),
        epoch_mjd=epoch,
        perihelion_au=axis_au * (1.0 - eccentricity),
        eccentricity=eccentricity,
        inclination_deg=number("i"),
        node_deg=number("Node"),
        peri_deg=number("Peri"),
        perihelion_mjd=epoch - np.radians(since_deg) / (GAUSS * axis_au**-1.5),
        h_mag=number("H", np.nan),
        slope=number("G", DEFAULT_G),
        quality=column("U", _quality).astype(np.int8),
        is_comet=np.zeros(len(records), dtype=bool),
        seen_mjd=column("Last_obs", _seen),
    )


def _names(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return names as MPCORB.DAT writes them: (433) Eros, or a designation."""
    return [
        " ".join(str(one[part]) for part in ("Number", "Name") if part in one)
        if "Name" in one or "Number" in one
        else str(one.get("Principal_desig", ""))
        for one in records
    ]


def _quality(record: Mapping[str, Any]) -> float:
    text = str(record.get("U", "")).strip()
    return float(text) if text.isdigit() else float(UNRATED)


def _seen(record: Mapping[str, Any]) -> float:
    text = str(record.get("Last_obs", "")).strip()
    return float(date.fromisoformat(text).toordinal() - _MJD_0) if text else np.nan
