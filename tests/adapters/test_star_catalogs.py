"""One contract for every catalog of reference stars: in memory, on disk, and behind a cone search on loopback."""

import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from astropy.io.votable import from_table
from astropy.io.votable.tree import Info
from astropy.table import Table

from astrid_core.adapters.catalogs.cone import ConeCatalog
from astrid_core.adapters.catalogs.open import open_star_catalog
from astrid_core.adapters.catalogs.shards import ShardCatalog
from astrid_core.adapters.catalogs.write_shards import write_shards
from astrid_core.adapters.surveys.http import HttpClient
from astrid_core.preprocessing.catalog_stars import CatalogStars
from astrid_core.preprocessing.ports import StarCatalog
from astrid_core.shared.errors import (
    AstridError,
    BadConfiguration,
    CatalogUnavailable,
    CorruptArtifact,
    NotCovered,
    QueryRefused,
    UnexpectedAnswer,
)
from astrid_core.shared.sky import Region
from tests.adapters.remote_surveys import POLICY
from tests.fakes.archive_server import ArchiveServer, Asked, Reply
from tests.fakes.star_catalog import MemoryStarCatalog

COVERED = Region.parse("cone(0.0,89.0,3deg)")
"""Around the pole and over the origin of right ascension."""
CONE = Region.parse("cone(359.9,88.5,0.8deg)")


def _stars(n: int = 3000) -> CatalogStars:
    rng = np.random.default_rng(5)
    off, angle = 2.95 * np.sqrt(rng.uniform(size=n)), rng.uniform(0.0, 2.0 * np.pi, n)
    x, y = off * np.sin(angle), 1.0 + off * np.cos(angle)
    mag = rng.uniform(12.0, 20.0, n)
    return CatalogStars(
        catalog="made up", epoch_yr=2016.0, ra_deg=np.degrees(np.arctan2(x, y)) % 360.0, dec_deg=90.0 - np.hypot(x, y),
        ra_err_mas=np.full(n, 0.2), dec_err_mas=np.full(n, 0.3), pm_ra_mas_yr=rng.normal(0.0, 9.0, n),
        pm_dec_mas_yr=rng.normal(0.0, 9.0, n), mags={"G": mag, "BP": mag + 0.4, "RP": mag - 0.5},
        mag_errs={band: np.full(n, 0.01) for band in ("G", "BP", "RP")},
    )  # fmt: skip


def _votable(stars: CatalogStars, *infos: Info, renamed: dict[str, str] | None = None) -> bytes:
    vega = {"G": 0.1136, "BP": 0.0155, "RP": 0.3561}
    columns = {
        "ra": stars.ra_deg, "dec": stars.dec_deg, "ra_error": stars.ra_err_mas, "dec_error": stars.dec_err_mas,
        "pmra": stars.pm_ra_mas_yr, "pmdec": stars.pm_dec_mas_yr, "ref_epoch": np.full(len(stars), 2016.0),
        **{f"phot_{band.lower()}_mean_mag": stars.mags[band] - vega[band] for band in vega},
        **{f"phot_{band.lower()}_mean_mag_error": stars.mag_errs[band] for band in vega},
    }  # fmt: skip
    votable = from_table(Table({(renamed or {}).get(name, name): values for name, values in columns.items()}))
    votable.infos.extend(infos)
    buffer = io.BytesIO()
    votable.to_xml(buffer)
    return buffer.getvalue()


def _cone_answer(asked: Asked) -> Reply:
    stars = _stars()
    ra, dec, radius = (float(asked.query[key]) for key in ("RA", "DEC", "SR"))
    cone = Region.parse(f"cone({ra!r},{dec!r},{radius!r}deg)")
    here = stars.take(cone.holds(stars.ra_deg, stars.dec_deg))
    return Reply(body=_votable(here), headers={"Content-Type": "text/xml"})


@dataclass
class Cone:
    server: ArchiveServer
    catalog: ConeCatalog


@pytest.fixture
def cone() -> Iterator[Cone]:
    with ArchiveServer(_cone_answer) as server, HttpClient("stars", POLICY) as client:
        yield Cone(server, ConeCatalog(f"{server.url}/cone?table=gaia", client))


@pytest.fixture
def shards(tmp_path: Path) -> ShardCatalog:
    write_shards(_stars(), tmp_path / "stars", name="made up", release="1", covered=COVERED)
    return ShardCatalog(tmp_path / "stars")


@pytest.fixture(params=["memory", "shards", "cone"])
def catalog(request: pytest.FixtureRequest) -> StarCatalog:
    if request.param == "memory":
        return MemoryStarCatalog(all_stars=_stars(), covered=COVERED)
    if request.param == "shards":
        return request.getfixturevalue("shards")  # type: ignore[no-any-return]
    return request.getfixturevalue("cone").catalog  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    "region", [CONE, Region.parse("polygon(340 88.6, 20 88.6, 20 87.5, 340 87.5)")], ids=["cone", "polygon"]
)
def test_the_stars_of_a_region_are_those_inside(catalog: StarCatalog, region: Region) -> None:
    expected = MemoryStarCatalog(all_stars=_stars()).stars(region, max_stars=10_000)
    found = catalog.stars(region, max_stars=10_000)
    assert len(expected) > 50
    np.testing.assert_allclose(found.ra_deg, expected.ra_deg, atol=1e-9)
    np.testing.assert_allclose(found.dec_deg, expected.dec_deg, atol=1e-9)
    for name in ("ra_err_mas", "dec_err_mas", "pm_ra_mas_yr", "pm_dec_mas_yr"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name))
    for band in ("G", "BP", "RP"):
        np.testing.assert_allclose(found.mags[band], expected.mags[band])
        np.testing.assert_allclose(found.mag_errs[band], expected.mag_errs[band])
    assert found.epoch_yr == pytest.approx(2016.0)
    assert found.catalog == catalog.name


def test_the_brightest_come_first_and_no_more_than_asked_for(catalog: StarCatalog) -> None:
    all_of_them = catalog.stars(CONE, max_stars=10_000)
    few = catalog.stars(CONE, max_stars=7)
    assert np.array_equal(few.ra_deg, all_of_them.ra_deg[:7])
    assert (np.diff(all_of_them.mags["G"]) >= 0.0).all()


def test_a_covered_place_without_stars_is_empty(catalog: StarCatalog) -> None:
    assert len(catalog.stars(Region.parse("cone(10.0,88.0,0.5arcsec)"), max_stars=10)) == 0


@pytest.mark.parametrize("kind", ["memory", "shards"])
@pytest.mark.parametrize("text", ["cone(0.0,20.0,0.1deg)", "cone(0.0,86.1,0.5deg)"], ids=["outside", "partly"])
def test_a_region_that_is_not_covered_is_no_empty_region(kind: str, text: str, shards: ShardCatalog) -> None:
    one: StarCatalog = shards if kind == "shards" else MemoryStarCatalog(all_stars=_stars(), covered=COVERED)
    with pytest.raises(NotCovered):
        one.stars(Region.parse(text), max_stars=10)


def test_the_same_stars_give_the_same_name_and_others_another(tmp_path: Path, shards: ShardCatalog) -> None:
    stars = _stars()
    shuffled = stars.take(np.random.default_rng(1).permutation(len(stars)))
    write_shards(shuffled, tmp_path / "again", name="made up", release="1", covered=COVERED)
    write_shards(stars.take(np.arange(2999)), tmp_path / "fewer", name="made up", release="1", covered=COVERED)
    assert ShardCatalog(tmp_path / "again").name == shards.name
    assert ShardCatalog(tmp_path / "fewer").name != shards.name


def test_coverage_is_where_stars_are_dense_enough_to_tell(tmp_path: Path) -> None:
    covered = write_shards(_stars(), tmp_path / "stars", name="made up", release="1")
    area = covered.moc.sky_fraction / Region.parse("cone(0.0,89.0,2.95deg)").moc.sky_fraction
    assert 0.9 < area < 1.3
    assert ShardCatalog(tmp_path / "stars").covered.text == covered.text


def test_a_changed_shard_is_refused(tmp_path: Path, shards: ShardCatalog) -> None:
    for path in (tmp_path / "stars" / "dataset").rglob("*.parquet"):
        path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(CorruptArtifact, match=r"Npix=.*parquet"):
        shards.stars(CONE, max_stars=10)


def test_folders_that_are_no_catalog_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration):
        ShardCatalog(tmp_path)
    (tmp_path / "catalog.toml").write_text("name = 3\n")
    with pytest.raises(UnexpectedAnswer, match=r"catalog\.toml"):
        ShardCatalog(tmp_path)
    with pytest.raises(BadConfiguration, match="new folder"):
        write_shards(_stars(), tmp_path, name="made up", release="1")


@pytest.mark.parametrize(
    ("fault", "expected", "says"),
    [
        (Reply(status=429), CatalogUnavailable, "status 429"),
        (Reply(status=500), CatalogUnavailable, "status 500"),
        (Reply(hangs=True), CatalogUnavailable, "ReadTimeout"),
        (Reply(status=400, body=b"RA is no number"), QueryRefused, "RA is no number"),
        (Reply(body=b"<!DOCTYPE html><html><h1>We are down</h1></html>"), UnexpectedAnswer, "We are down"),
        (Reply(body=b""), UnexpectedAnswer, "no VOTable"),
        (Reply(body=_votable(_stars(9))[:-300]), UnexpectedAnswer, "cannot be read"),
        (Reply(body=_votable(_stars(9), renamed={"phot_g_mean_mag": "gmag"})), UnexpectedAnswer, "phot_g_mean_mag"),
        (Reply(body=_votable(_stars(9), Info(name="QUERY_STATUS", value="ERROR"))), QueryRefused, "reports an error"),
        (Reply(body=_votable(_stars(9), Info(name="Error", value="SR is too large"))), QueryRefused, "SR is too large"),
        (Reply(body=_votable(_stars(9), Info(name="QUERY_STATUS", value="OVERFLOW"))), UnexpectedAnswer, "cuts"),
    ],
    ids=["429", "500", "hang", "400", "html", "nothing", "half", "renamed", "error", "error in words", "overflow"],
)  # fmt: skip
def test_a_service_that_fails_is_never_an_empty_sky(
    cone: Cone, fault: Reply, expected: type[AstridError], says: str
) -> None:
    cone.server.faults.extend([fault] * POLICY.n_attempts)
    with pytest.raises(expected) as caught:
        cone.catalog.stars(CONE, max_stars=10)
    assert says in str(caught.value)
    assert "127.0.0.1" in str(caught.value)


def test_a_service_that_is_back_is_asked_again(cone: Cone) -> None:
    cone.server.faults.append(Reply(status=503))
    assert len(cone.catalog.stars(CONE, max_stars=10)) == 10


@pytest.mark.parametrize(
    ("place", "kind"), [("", type(None)), ("{folder}", ShardCatalog), ("http://127.0.0.1:9/c", ConeCatalog)]
)
def test_one_setting_chooses_the_catalog(place: str, kind: type, tmp_path: Path) -> None:
    write_shards(_stars(), tmp_path / "stars", name="made up", release="1")
    with open_star_catalog(place.format(folder=tmp_path / "stars")) as catalog:
        assert isinstance(catalog, kind)


def test_an_address_of_another_kind_is_refused() -> None:
    with pytest.raises(BadConfiguration, match="ftp"), open_star_catalog("ftp://host/stars"):
        pass


def test_an_epoch_is_kept_through_shards(tmp_path: Path) -> None:
    write_shards(replace(_stars(), epoch_yr=2015.5), tmp_path / "stars", name="made up", release="1")
    assert ShardCatalog(tmp_path / "stars").stars(CONE, max_stars=1).epoch_yr == 2015.5
