"""How long minor planets take: a million orbits from their file to those that one exposure shows.

    python -m benchmarks.minor_planets [--orbits 1000000]

The orbits are drawn: the main belt, near-Earth objects, Trojans and beyond Neptune, in shares like those of the real
file, and written as lines of MPCORB.DAT. Real exposures and what drifting costs in accuracy are in docs/science.md.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from astrid_core.adapters.catalogs.orbit_files import read_orbit_file
from astrid_core.adapters.catalogs.orbit_table import OrbitTable, write_orbits
from astrid_core.catalog.kepler import drift
from astrid_core.catalog.orbits import Orbits, orbits_of
from astrid_core.catalog.solar_system import at_time, observer_au
from astrid_core.shared.sky import Region

EPOCH = 60800.0
"""K2555 in the file."""
_FIELDS = ("cone(330.0,-10.0,0.7deg)", "cone(150.0,12.0,0.7deg)", "cone(30.0,60.0,0.7deg)")


def lines(n_orbits: int, seed: int = 1) -> bytes:
    """Return so many lines as the Minor Planet Center writes them."""
    rng = np.random.default_rng(seed)
    kind = rng.choice(4, n_orbits, p=[0.94, 0.03, 0.01, 0.02])
    axis = np.choose(kind, [rng.uniform(2.1, 3.3, n_orbits), rng.uniform(0.8, 2.5, n_orbits),
                            rng.uniform(5.1, 5.3, n_orbits), rng.uniform(39.0, 46.0, n_orbits)])  # fmt: skip
    spread = np.choose(kind, [0.13, 0.4, 0.07, 0.1])
    eccentricity = np.clip(np.abs(rng.normal(0.0, spread)), 0.0, 0.95)
    tilt = np.minimum(np.abs(rng.normal(0.0, 9.0, n_orbits)), 170.0)
    mean, peri, node = rng.uniform(0.0, 360.0, (3, n_orbits))
    h_mag = rng.uniform(12.0, 22.0, n_orbits)
    rows = zip(range(n_orbits), h_mag, mean, peri, node, tilt, eccentricity, axis, strict=True)
    return "".join(
        f"{number % 10**7:07d} {h:5.2f}  0.15 K2555 {m:9.5f}  {p:9.5f}  {o:9.5f}  {i:9.5f}  {e:9.7f} "
        f"{0.9856 / a**1.5:11.8f} {a:11.7f}  0 MPO000000   100   5 2000-2025 0.50 M-v 30k MPCLINUX   0000 "
        f"{f'Drawn {number}':>27s} 20250501\n"
        for number, h, m, p, o, i, e, a in rows
    ).encode()


def stray(orbits: Orbits, days: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return how far, arcsec on the sky, bodies are from their ellipses after so many days."""
    position, _ = drift(orbits.position_au, orbits.velocity_au_d, np.full(len(orbits), days))
    pulled, _ = at_time(orbits, EPOCH + days)
    distance = np.linalg.norm(pulled - observer_au(EPOCH + days, None), axis=1)
    return np.asarray(np.degrees(np.linalg.norm(pulled - position, axis=1) / distance) * 3600.0)


def main() -> None:
    """Print times and figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orbits", type=int, default=1_000_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file, table = Path(folder) / "MPCORB.DAT", Path(folder) / "minor_planets.parquet"
        file.write_bytes(lines(arguments.orbits))
        print(f"{arguments.orbits} orbits, {file.stat().st_size / 1e6:.0f} MB")
        began = time.perf_counter()
        write_orbits(orbits_of(read_orbit_file(file)), table, name="drawn")
        print(f"import: {time.perf_counter() - began:.1f} s, table of {table.stat().st_size / 1e6:.0f} MB")
        opened = OrbitTable(table)
        for days in (-60.0, 100.0):
            for number, field in enumerate(_FIELDS * 2):
                mjd = EPOCH + days + 0.2 + 0.01 * number
                began = time.perf_counter()
                found = opened.inside(Region.parse(field), mid_mjd=mjd)
                print(
                    f"{days:+.0f} days, exposure {number + 1}: {time.perf_counter() - began:.2f} s, {len(found)} bodies"
                )
        some = orbits_of(read_orbit_file(file)).take(np.arange(min(5000, arguments.orbits)))
    for days in (20.0, 50.0, 100.0, 200.0):
        at = np.percentile(stray(some, days), [50.0, 99.0, 99.9])
        print(f"off the ellipse after {days:.0f} days: median {at[0]:.2f}, 99 % {at[1]:.1f}, 99.9 % {at[2]:.1f} arcsec")


if __name__ == "__main__":
    main()
