"""Known objects around a place, made up."""

from dataclasses import replace

import numpy as np

from astrid_core.catalog.known_sources import KnownSources, SourceKind
from astrid_core.shared.sky import SkyPosition

HERE = SkyPosition(ra_deg=150.0, dec_deg=2.0)
MJD = 60400.0
"""2024.2 in Julian years."""
RADIUS_DEG = 300.0 / 3600.0
AREA_ARCSEC2 = np.pi * 300.0**2


def sources(kind: SourceKind = SourceKind.STAR, *east_arcsec: float, epoch_yr: float = 2000.0) -> KnownSources:
    """Return objects so far east of ``HERE``, named a, b, c, all at rest."""
    offsets = np.array(east_arcsec, dtype=float)
    unknown = np.full(len(offsets), np.nan)
    return KnownSources(
        catalog=f"{kind} 1", kind=kind, epoch_yr=epoch_yr,
        ids=np.array([chr(97 + number) for number in range(len(offsets))], dtype=object),
        types=np.full(len(offsets), "", dtype=object),
        ra_deg=HERE.ra_deg + offsets / 3600.0 / np.cos(np.radians(HERE.dec_deg)),
        dec_deg=np.full(len(offsets), HERE.dec_deg), err_arcsec=unknown, pm_ra_mas_yr=unknown, pm_dec_mas_yr=unknown,
        mag=unknown, redshift=unknown, size_arcsec=unknown,
    )  # fmt: skip


def scattered(kind: SourceKind, n: int, seed: int = 1) -> KnownSources:
    """Return objects anywhere within ``RADIUS_DEG`` of ``HERE``, with magnitudes."""
    rng = np.random.default_rng(seed)
    off, angle = 300.0 * np.sqrt(rng.uniform(size=n)), rng.uniform(0.0, 2.0 * np.pi, n)
    placed = sources(kind, *(off * np.sin(angle)))
    return replace(
        placed, ids=np.array([f"s{number}" for number in range(n)], dtype=object),
        dec_deg=HERE.dec_deg + off * np.cos(angle) / 3600.0, mag=rng.uniform(15.0, 22.0, n),
    )  # fmt: skip
