"""Files of orbits, and the table that is made of them."""

import gzip
import json
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from astropy.time import Time

from astrid_core.adapters.catalogs.orbit_files import read_orbit_file
from astrid_core.adapters.catalogs.orbit_table import OrbitTable, read_orbits, write_orbits
from astrid_core.catalog.minor_planets import places_of
from astrid_core.catalog.orbits import orbits_of
from astrid_core.shared.errors import BadConfiguration, CatalogUnavailable, UnexpectedAnswer
from astrid_core.shared.sky import Region
from tests.catalog.ephemerides import CERES

HEAD = b"MINOR PLANET CENTER ORBIT DATABASE (MPCORB)\n\nDes'n     H     G   Epoch\n" + b"-" * 160 + b"\n"
EROS = (
    b"00433   10.40  0.15 K25BL 310.55432  178.92976  304.27010   10.82847  0.2228360  0.55977529   1.4581210  0 "
    b"E2026-G89 17462  59 1893-2026 0.62 M-v 3Ek MPCORBFIT  1804    (433) Eros               20260402"
)
ENCKE = (
    b"0002P         2023 10 22.5182  0.339593  0.847993  187.2852  334.0177   11.4997  20231108  15.0  4.0  "
    b"2P/Encke                                                  MPC 12345"
)
OUMUAMUA = (
    b"0001I         2017 09  9.4886  0.255240  1.199252  241.6845   24.5997  122.6778  20170904  23.0  2.0  "
    b"1I/`Oumuamua                                              MPC107687"
)


def _file(folder: Path, content: bytes) -> Path:
    path = folder / "MPCORB.DAT"
    path.write_bytes(content)
    return path


def test_lines_are_read_by_their_columns(tmp_path: Path) -> None:
    found = read_orbit_file(_file(tmp_path, HEAD + CERES[5] + b"\n\n" + EROS + b"\n"))

    assert list(found.names) == ["(1) Ceres", "(433) Eros"]
    np.testing.assert_array_equal(found.epoch_mjd, [61000.0, 61000.0])
    np.testing.assert_allclose(found.perihelion_au, [2.7656157 * (1 - 0.0795764), 1.4581210 * (1 - 0.2228360)])
    np.testing.assert_allclose(found.inclination_deg, [10.58789, 10.82847])
    np.testing.assert_allclose(found.node_deg, [80.24964, 304.27010])
    np.testing.assert_allclose(found.peri_deg, [73.29974, 178.92976])
    np.testing.assert_allclose(found.h_mag, [3.34, 10.40])
    np.testing.assert_array_equal(found.quality, [0, 0])
    np.testing.assert_array_equal(found.seen_mjd, Time(["2026-01-03", "2026-04-02"]).mjd)
    # Eros is 49.4 deg before its perihelion, moving 0.5598 deg a day.
    assert found.perihelion_mjd[1] == pytest.approx(61000.0 + (360.0 - 310.55432) / 0.55977529, abs=0.01)


@pytest.mark.parametrize("wrap", [lambda content: content, gzip.compress], ids=["plain", "gzip"])
def test_words_before_a_line_of_dashes_are_no_orbits(tmp_path: Path, wrap: object) -> None:
    with_head = read_orbit_file(_file(tmp_path, wrap(HEAD + CERES[0])))  # type: ignore[operator]
    assert list(with_head.names) == ["(1) Ceres"]


def test_what_is_missing_in_a_line_is_unknown(tmp_path: Path) -> None:
    line = CERES[0][:7] + b" " * 12 + CERES[0][19:105] + b"E" + CERES[0][106:160]
    found = read_orbit_file(_file(tmp_path, line))
    assert np.isnan(found.h_mag[0])
    assert found.slope[0] == pytest.approx(0.15)
    assert found.quality[0] == 9
    assert found.names[0] == "00001"
    assert np.isnan(found.seen_mjd[0])


@pytest.mark.parametrize(
    ("first", "text", "column"),
    [
        (26, b"  abcdefg", "mean anomaly"),
        (70, b"1.2757973", "eccentricity"),
        (92, b"  0.0000000", "semi-major axis"),
        (20, b"Z13B4", "epoch"),
        (20, b"K13BZ", "epoch"),
        (194, b"20141399", "last observation"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(tmp_path: Path, first: int, text: bytes, column: str) -> None:
    broken = CERES[0][:first] + text + CERES[0][first + len(text) :]
    path = _file(tmp_path, HEAD + CERES[1] + b"\n" + broken + b"\n" + CERES[2])
    with pytest.raises(UnexpectedAnswer, match=rf"line=6, column={column}"):
        read_orbit_file(path)


def test_a_file_without_orbits_is_none(tmp_path: Path) -> None:
    with pytest.raises(UnexpectedAnswer, match="holds no orbits"):
        read_orbit_file(_file(tmp_path, HEAD))
    with pytest.raises(BadConfiguration, match="no file of orbits there"):
        read_orbit_file(tmp_path / "missing")
    with pytest.raises(UnexpectedAnswer, match="cannot be read"):
        read_orbit_file(_file(tmp_path, b"\x1f\x8bnot gzip"))


def _records(*others: dict[str, object]) -> bytes:
    eros = {
        "Number": "(433)", "Name": "Eros", "Principal_desig": "1898 DQ", "Epoch": 2461000.5, "M": 310.55432,
        "Peri": 178.92976, "Node": 304.2701, "i": 10.82847, "e": 0.222836, "a": 1.458121, "H": 10.4, "G": 0.15,
        "U": "0", "Last_obs": "2026-04-02",
    }  # fmt: skip
    return json.dumps([eros, *({**eros, **other} for other in others)]).encode()


@pytest.mark.parametrize("wrap", [lambda content: content, gzip.compress], ids=["plain", "gzip"])
def test_json_tells_the_same_as_lines(tmp_path: Path, wrap: object) -> None:
    lines = read_orbit_file(_file(tmp_path, EROS))
    found = read_orbit_file(_file(tmp_path, wrap(_records())))  # type: ignore[operator]
    for one in fields(found):
        expected = getattr(lines, one.name)
        if expected.dtype == float:
            np.testing.assert_allclose(getattr(found, one.name), expected, rtol=1e-12)
        else:
            assert list(getattr(found, one.name)) == list(expected)


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        ({"M": "x"}, "record=3, field=M"),
        ({"Last_obs": "2026-13-02"}, "record=3, field=Last_obs"),
        ({"e": 1.2}, "no ellipse.*record=3"),
    ],
)
def test_a_record_that_cannot_be_read_is_named(tmp_path: Path, broken: dict[str, object], told: str) -> None:
    with pytest.raises(UnexpectedAnswer, match=told):
        read_orbit_file(_file(tmp_path, _records({}, broken)))
    for wrong in (b"[", b"[]"):
        with pytest.raises(UnexpectedAnswer):
            read_orbit_file(_file(tmp_path, wrong))


def test_comets_are_read_by_their_own_columns(tmp_path: Path) -> None:
    found = read_orbit_file(_file(tmp_path, ENCKE + b"\n" + OUMUAMUA + b"\n"), comets=True)

    assert list(found.names) == ["2P/Encke", "1I/`Oumuamua"]
    np.testing.assert_allclose(found.perihelion_mjd, [60239.5182, 58005.4886])
    np.testing.assert_array_equal(found.epoch_mjd, [60256.0, 58000.0])
    np.testing.assert_allclose(found.eccentricity, [0.847993, 1.199252])
    np.testing.assert_allclose(found.h_mag, [15.0, 23.0])
    assert found.is_comet.all()
    (encke, _) = places_of(orbits_of(found), mid_mjd=60239.5182)
    # Printed elements are of perihelion: the comet is as near to the Sun as it comes.
    assert min(encke.sun_distance_au, 1.0) == pytest.approx(0.3396, abs=1e-3)


def test_a_table_gives_back_what_was_written(tmp_path: Path) -> None:
    orbits = orbits_of(read_orbit_file(_file(tmp_path, CERES[5] + b"\n" + EROS)))
    for folder in ("one", "two"):
        write_orbits(orbits, tmp_path / folder / "orbits.parquet", name="MPCORB.DAT")

    found = read_orbits(tmp_path / "one" / "orbits.parquet")

    np.testing.assert_array_equal(found.position_au, orbits.position_au)
    np.testing.assert_array_equal(found.velocity_au_d, orbits.velocity_au_d)
    assert list(found.names) == list(orbits.names)
    one, two = (OrbitTable(tmp_path / folder / "orbits.parquet") for folder in ("one", "two"))
    assert one.name == two.name
    assert one.name.startswith("MPCORB.DAT ")


def test_a_table_finds_bodies_in_a_region(tmp_path: Path) -> None:
    orbits = orbits_of(read_orbit_file(_file(tmp_path, CERES[5] + b"\n" + EROS)))
    write_orbits(orbits, tmp_path / "orbits.parquet", name="MPCORB.DAT")
    _, eros = sorted(places_of(orbits, mid_mjd=61040.3), key=lambda one: one.name)

    found = OrbitTable(tmp_path / "orbits.parquet").inside(Region.cone(eros.position, radius_deg=0.2), mid_mjd=61040.3)

    assert [one.name for one in found] == ["(433) Eros"]


def test_another_file_is_no_table(tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match="no table of minor planets there"):
        OrbitTable(tmp_path / "missing.parquet")
    (tmp_path / "other").write_bytes(b"PAR1 and nothing else")
    with pytest.raises((UnexpectedAnswer, CatalogUnavailable)):
        OrbitTable(tmp_path / "other")
