"""One contract for catalogs of known sources: in memory, on disk, and behind a cone search on loopback."""

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from astropy.io.votable import from_table
from astropy.table import Table

from astrid_core.adapters.catalogs.cone import ConeSources
from astrid_core.adapters.catalogs.open import open_known_sources, open_minor_planets
from astrid_core.adapters.catalogs.shards import ShardSources
from astrid_core.adapters.catalogs.source_tables import read_source_table
from astrid_core.adapters.catalogs.write_shards import write_sources
from astrid_core.adapters.surveys.http import HttpClient
from astrid_core.catalog.known_sources import KnownSources, SourceKind
from astrid_core.catalog.ports import SourceCatalog
from astrid_core.shared.errors import BadConfiguration, CorruptArtifact, NotCovered, UnexpectedAnswer
from astrid_core.shared.sky import Region
from tests.adapters.remote_surveys import POLICY
from tests.catalog.known import HERE, scattered
from tests.fakes.archive_server import ArchiveServer, Asked, Reply
from tests.fakes.context import MemorySourceCatalog

COVERED = Region.cone(HERE, radius_deg=0.1)
CONE = Region.cone(HERE, radius_deg=0.05)


def _galaxies() -> KnownSources:
    found = scattered(SourceKind.GALAXY, 400)
    return replace(
        found, types=np.where(np.arange(400) % 3 == 0, "Sy1", "").astype(object),
        redshift=np.where(np.arange(400) % 2 == 0, np.linspace(0.01, 1.0, 400), np.nan),
        size_arcsec=np.full(400, 2.5),
    )  # fmt: skip


def _table(found: KnownSources) -> Table:
    return Table(
        {
            "objID": list(found.ids), "RAJ2000": found.ra_deg, "DEJ2000": found.dec_deg, "rmag": found.mag,
            "zspec": found.redshift, "class": list(found.types), "R50": found.size_arcsec,
        }
    )  # fmt: skip


def _answer(asked: Asked) -> Reply:
    found = _galaxies()
    ra, dec, radius = (float(asked.query[key]) for key in ("RA", "DEC", "SR"))
    here = found.take(Region.parse(f"cone({ra!r},{dec!r},{radius!r}deg)").holds(found.ra_deg, found.dec_deg))
    buffer = io.BytesIO()
    from_table(_table(here)).to_xml(buffer)
    return Reply(body=buffer.getvalue(), headers={"Content-Type": "text/xml"})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_sources(_galaxies(), tmp_path / "sources" / "glade", name="glade", release="2", covered=COVERED)
    return tmp_path / "sources" / "glade"


@pytest.fixture(params=["memory", "shards", "cone"])
def catalog(request: pytest.FixtureRequest) -> Iterator[SourceCatalog]:
    if request.param == "memory":
        yield MemorySourceCatalog(all_sources=_galaxies(), covered=COVERED)
    elif request.param == "shards":
        yield ShardSources(request.getfixturevalue("folder"))
    else:
        with ArchiveServer(_answer) as server, HttpClient("stars", POLICY) as client:
            yield ConeSources(f"{server.url}/cone", SourceKind.GALAXY, client)


def test_the_objects_of_a_region_are_those_inside(catalog: SourceCatalog) -> None:
    expected = MemorySourceCatalog(all_sources=_galaxies()).sources(CONE)
    found = catalog.sources(CONE)

    order, other = np.argsort(found.ids.astype(str)), np.argsort(expected.ids.astype(str))
    assert len(expected) > 50
    assert list(found.ids[order]) == list(expected.ids[other])
    assert list(found.types[order]) == list(expected.types[other])
    for name in ("ra_deg", "dec_deg", "mag", "redshift", "size_arcsec"):
        np.testing.assert_allclose(getattr(found, name)[order], getattr(expected, name)[other], rtol=1e-9)
    assert np.isnan(found.pm_ra_mas_yr).all()
    assert found.kind is catalog.kind is SourceKind.GALAXY
    assert found.epoch_yr == 2000.0
    assert catalog.name == found.catalog or catalog.name.startswith("glade")


@pytest.mark.parametrize("catalog", ["memory", "shards"], indirect=True)
def test_a_region_that_is_not_covered_is_no_empty_answer(catalog: SourceCatalog) -> None:
    with pytest.raises(NotCovered):
        catalog.sources(Region.parse("cone(10.0,2.0,0.01deg)"))


def test_nothing_there_is_an_empty_answer(folder: Path) -> None:
    nowhere = Region.cone(HERE, radius_deg=1e-5)
    assert len(ShardSources(folder).sources(nowhere)) == 0


def test_changed_bytes_are_refused(folder: Path) -> None:
    (shard,) = folder.glob("dataset/**/*.parquet")
    shard.write_bytes(shard.read_bytes() + b" ")
    with pytest.raises(CorruptArtifact):
        ShardSources(folder).sources(CONE)


def test_a_setting_names_folders_and_addresses(folder: Path, tmp_path: Path) -> None:
    with open_known_sources("", ours=folder.parent) as found:
        assert [one.name.split()[0] for one in found] == ["glade"]
    with open_known_sources(f"{folder}, agn=https://host/cone", ours=tmp_path / "none") as found:
        assert [one.kind for one in found] == [SourceKind.GALAXY, SourceKind.AGN]
    with open_known_sources("", ours=tmp_path / "none") as found:
        assert found == ()
    for wrong in ("https://host/cone", "planet=https://host/cone", str(tmp_path)):
        with pytest.raises(BadConfiguration), open_known_sources(wrong, ours=tmp_path):
            pass
    assert open_minor_planets("", ours=tmp_path / "none") is None
    with pytest.raises(BadConfiguration, match="no table of minor planets there"):
        open_minor_planets(str(tmp_path / "none"), ours=tmp_path / "none")


@pytest.mark.parametrize("ending", ["ecsv", "fits", "csv"])
def test_a_table_is_read_by_the_usual_names_of_columns(tmp_path: Path, ending: str) -> None:
    table = _table(_galaxies())
    table.write(tmp_path / f"galaxies.{ending}")

    found = read_source_table(tmp_path / f"galaxies.{ending}", SourceKind.GALAXY, catalog="glade")

    assert list(found.ids) == list(_galaxies().ids)
    np.testing.assert_allclose(found.redshift, _galaxies().redshift)
    np.testing.assert_allclose(found.size_arcsec, 2.5)


def test_columns_may_be_named(tmp_path: Path) -> None:
    table = Table({"alpha": [10.0], "delta": [-5.0], "number": [123456789012345678], "z": [18.0], "i": [18.2]})
    table.write(tmp_path / "odd.fits")
    with pytest.raises(UnexpectedAnswer, match="missing=ra, dec"):
        read_source_table(tmp_path / "odd.fits", SourceKind.AGN, catalog="odd")

    names = {"ra": "alpha", "dec": "delta", "id": "number"}
    found = read_source_table(tmp_path / "odd.fits", SourceKind.AGN, catalog="odd", names=names)

    assert list(found.ids) == ["123456789012345678"]
    # Beside an i, z is a band.
    assert np.isnan(found.redshift[0])
    for wrong in ({**names, "mag": "nowhere"}, {**names, "colour": "i"}):
        with pytest.raises(BadConfiguration):
            read_source_table(tmp_path / "odd.fits", SourceKind.AGN, catalog="odd", names=wrong)


def test_an_object_without_a_name_is_called_by_its_place(tmp_path: Path) -> None:
    Table({"ra": [10.5, np.nan], "dec": [-5.25, 1.0]}).write(tmp_path / "bare.ecsv")
    found = read_source_table(tmp_path / "bare.ecsv", SourceKind.TRANSIENT, catalog="bare")
    assert list(found.ids) == ["10.500000-5.250000"]
