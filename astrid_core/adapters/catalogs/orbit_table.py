"""Orbits in one Parquet file, as places and speeds at their epochs: a million are there in a second."""

import hashlib
from pathlib import Path
from threading import Lock

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from astrid_core.catalog.minor_planets import Ephemeris, MinorPlanet
from astrid_core.catalog.orbits import Orbits
from astrid_core.observations.airmass import Site
from astrid_core.shared.errors import BadConfiguration, CatalogUnavailable, UnexpectedAnswer
from astrid_core.shared.sky import Region

TABLE = "minor_planets.parquet"
_AXES = ("x", "y", "z")
_KEY = b"astrid_orbits"
_DIGITS = 12


def write_orbits(orbits: Orbits, path: Path, *, name: str) -> None:
    """Write a table in one step: who reads it has the old one or the new one. The same orbits give the same bytes."""
    columns = {
        "name": pa.array(orbits.names, pa.string()),
        "epoch_mjd_tt": orbits.epoch_mjd,
        **{f"{axis}_au": orbits.position_au[:, number] for number, axis in enumerate(_AXES)},
        **{f"v{axis}_au_d": orbits.velocity_au_d[:, number] for number, axis in enumerate(_AXES)},
        "h_mag": orbits.h_mag,
        "slope": orbits.slope,
        "quality": orbits.quality,
        "is_comet": orbits.is_comet,
        "seen_mjd_tt": orbits.seen_mjd,
    }
    table = pa.table(columns).replace_schema_metadata({_KEY: name.encode()})
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.new")
    pq.write_table(table, scratch, compression="zstd")
    scratch.replace(path)


class OrbitTable:
    """Minor planets by ephemeris from such a file; reads it when it is first asked."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ephemeris: Ephemeris | None = None
        # Requests of the API come from several threads, and a million orbits are read once.
        self._turn = Lock()
        try:
            said = (pq.read_schema(path).metadata or {})[_KEY].decode()
            digest = hashlib.sha256(path.read_bytes()).hexdigest()[:_DIGITS]
        except FileNotFoundError as error:
            raise BadConfiguration("no table of minor planets there", file=path) from error
        except (KeyError, pa.ArrowInvalid) as error:
            raise UnexpectedAnswer("file is no table that astrid minor-planets import wrote", file=path) from error
        except OSError as error:
            raise CatalogUnavailable("table of minor planets cannot be read", file=path, cause=str(error)) from error
        self._name = f"{said} {digest}"

    @property
    def name(self) -> str:
        """What was imported, and the digest of the table."""
        return self._name

    def inside(
        self, region: Region, *, mid_mjd: float, site: Site | None = None, max_err_arcsec: float = 60.0
    ) -> tuple[MinorPlanet, ...]:
        """Return the bodies in ``region`` at ``mid_mjd`` (UTC), brightest first; see ``Ephemeris.inside``."""
        with self._turn:
            if self._ephemeris is None:
                self._ephemeris = Ephemeris(read_orbits(self._path))
            ephemeris = self._ephemeris
        return ephemeris.inside(region, mid_mjd=mid_mjd, site=site, max_err_arcsec=max_err_arcsec)


def read_orbits(path: Path) -> Orbits:
    """Return the orbits of such a file."""
    try:
        table = pq.read_table(path)
        values = {name: table[name].to_numpy() for name in table.column_names}
        return Orbits(
            names=values["name"],
            epoch_mjd=values["epoch_mjd_tt"],
            position_au=np.stack([values[f"{axis}_au"] for axis in _AXES], axis=1),
            velocity_au_d=np.stack([values[f"v{axis}_au_d"] for axis in _AXES], axis=1),
            h_mag=values["h_mag"],
            slope=values["slope"],
            quality=values["quality"],
            is_comet=values["is_comet"],
            seen_mjd=values["seen_mjd_tt"],
        )
    except (OSError, KeyError, pa.ArrowException) as error:
        raise CatalogUnavailable("table of minor planets cannot be read", file=path, cause=str(error)) from error
