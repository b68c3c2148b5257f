"""Tools that others wrote take every format, and refuse it once it is spoilt."""

import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.catalog.frozen import Extract, write_everything
from tests.catalog.validators import fitscheck, fitsverify, hats_faults, violations, votlint

TABLES = ("catalog", "light_curves", "forced_photometry")


@pytest.fixture(scope="module")
def extract(tmp_path_factory: pytest.TempPathFactory) -> Extract:
    return write_everything(tmp_path_factory.mktemp("extract"))


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Extract:
    return write_everything(tmp_path_factory.mktemp("empty"), 0)


def spoilt(path: Path, folder: Path, old: bytes, new: bytes) -> Path:
    """Return a copy in which something is another thing."""
    content = path.read_bytes()
    assert old in content
    copy = folder / path.name
    copy.write_bytes(content.replace(old, new, 1))
    return copy


@pytest.mark.parametrize("table", TABLES)
def test_votables_are_valid(extract: Extract, empty: Extract, tmp_path: Path, table: str) -> None:
    for one in (extract, empty):
        assert violations(one.folder / f"{table}.vot") == []
    good = extract.folder / f"{table}.vot"
    assert violations(spoilt(good, tmp_path, b'ucd="pos.eq.ra;meta.main"', b'ucd="POS_EQ_RA"'))
    assert violations(spoilt(good, tmp_path, b"</TR>", b"<TD>1</TD></TR>"))


@pytest.mark.parametrize("table", TABLES)
def test_votables_pass_stilts(extract: Extract, empty: Extract, tmp_path: Path, table: str) -> None:
    for one in (extract, empty):
        assert votlint(one.folder / f"{table}.vot") == []
    good = extract.folder / f"{table}.vot"
    assert votlint(spoilt(good, tmp_path, b"</TR>", b"<TD>1</TD></TR>"))
    assert votlint(spoilt(good, tmp_path, b'datatype="double"', b'datatype="real"'))


@pytest.mark.parametrize(("table", "column"), [("catalog", 2), ("light_curves", 5), ("forced_photometry", 2)])
def test_fits_tables_are_valid(extract: Extract, empty: Extract, tmp_path: Path, table: str, column: int) -> None:
    for one in (extract, empty):
        assert fitsverify(one.folder / f"{table}.fits") == []
    good = extract.folder / f"{table}.fits"
    old, new = (f"TFORM{column}  = '{kind}       '".encode() for kind in "DE")
    assert fitsverify(spoilt(good, tmp_path, old, new))


@pytest.mark.parametrize("table", TABLES)
def test_the_checksums_of_fits_tables_hold(extract: Extract, empty: Extract, tmp_path: Path, table: str) -> None:
    for one in (extract, empty):
        assert fitscheck(one.folder / f"{table}.fits") == []
    good = extract.folder / f"{table}.fits"
    name = str(extract.objects[0].id).encode()
    assert fitscheck(spoilt(good, tmp_path, name, name[::-1]))


def test_the_hats_catalog_is_valid(extract: Extract, empty: Extract, tmp_path: Path) -> None:
    assert hats_faults(extract.folder / "hats") == []
    parts = sorted((extract.folder / "hats").rglob("Npix=*.parquet"))
    assert len(parts) > 8
    shutil.copytree(extract.folder / "hats", tmp_path / "holed")
    (tmp_path / "holed" / parts[3].relative_to(extract.folder / "hats")).unlink()
    assert hats_faults(tmp_path / "holed")
    assert (empty.folder / "hats" / "hats.properties").exists()


def test_hats_partitions_hold_what_their_names_say_and_no_more_than_they_may(extract: Extract) -> None:
    n_rows = 0
    for path in (extract.folder / "hats").rglob("Npix=*.parquet"):
        order, number = int(path.parts[-3].partition("=")[2]), int(path.stem.partition("=")[2])
        cells = pq.read_table(path, columns=["hpx29"], partitioning=None).column("hpx29").to_pylist()
        assert {cell >> 2 * (29 - order) for cell in cells} == {number}
        assert 0 < len(cells) <= 5
        n_rows += len(cells)
    assert n_rows == extract.entries.n_rows


def test_parquet_is_read_and_a_broken_file_is_not(extract: Extract, tmp_path: Path) -> None:
    for table in (extract.entries, extract.points, extract.forced):
        assert pq.read_table(table.path).num_rows == table.n_rows
        broken = tmp_path / table.path.name
        broken.write_bytes(table.path.read_bytes()[:-20])
        with pytest.raises(pa.ArrowInvalid):
            pq.read_table(broken)


def test_an_identity_can_be_found_in_every_format(extract: Extract) -> None:
    # What must not leave is searched for like this: the search has to find what is there.
    name = str(extract.objects[7].id)
    texts = [path for path in extract.folder.iterdir() if path.is_file() and path.suffix != ".parquet"]
    assert {path.suffix for path in texts} == {".csv", ".ecsv", ".vot", ".fits", ".reg"}
    for path in texts:
        assert name.encode() in path.read_bytes(), path
    for path in (extract.entries.path, extract.points.path, extract.forced.path):
        assert name in pq.read_table(path).column("entry_id").to_pylist()
