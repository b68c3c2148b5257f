"""The smallest region that holds a credible level, against brute force; both kinds of files say the same."""

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from mocpy import MOC

from astrid_core.adapters.sky_maps import open as sky_map_open
from astrid_core.adapters.sky_maps.open import read_region
from astrid_core.shared.errors import BadConfiguration
from astrid_core.shared.sky import Region
from tests.synthetic.sky_maps import Cells, flat_file, flattened, multi_order_file, some_cells

FINEST = 4
CELLS = some_cells(finest=FINEST)
PIXELS = flattened(CELLS, order=FINEST)
LEVELS = [0.05, 0.5, 0.9, 0.99, 1.0]


def _pixels_in(region: Region, order: int = FINEST) -> set[int]:
    return {cell.number for cell in region.cells(order)}


def _by_hand(cells: Cells, level: float) -> set[int]:
    """Return the pixels of the densest cells, one cell after the other until the level is reached."""
    densest = sorted(cells, key=lambda cell: -cells[cell] * 4.0 ** cell[0])
    held, taken = 0.0, set()
    for order, number in densest:
        if (level < 1.0 and held >= level - 1e-12) or cells[order, number] == 0.0:
            break
        held += cells[order, number]
        n = 4 ** (FINEST - order)
        taken |= set(range(number * n, (number + 1) * n))
    return taken


@pytest.mark.parametrize("level", LEVELS)
def test_the_region_holds_the_level_and_nothing_could_be_left_out(tmp_path: Path, level: float) -> None:
    path = multi_order_file(tmp_path / "map.multiorder.fits", CELLS)
    region = read_region(f"skymap({path}, {level})")
    taken = _pixels_in(region)
    assert taken == _by_hand(CELLS, level)
    assert PIXELS[sorted(taken)].sum() >= level - 1e-9
    least = min(PIXELS[sorted(taken)])
    assert sum(PIXELS[one] for one in taken if PIXELS[one] > least) < level
    # Exact: the cells are those of the map, no more and no less.
    assert len(taken) == round(region.moc.sky_fraction * len(PIXELS))


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", ["map.fits", "map.fits.gz"])
@pytest.mark.parametrize("ordering", ["NESTED", "RING"])
def test_flat_and_multi_order_ring_and_nested_are_the_same(
    tmp_path: Path, level: float, name: str, ordering: str
) -> None:
    several = multi_order_file(tmp_path / "several.fits", CELLS)
    flat = flat_file(tmp_path / name, PIXELS, ordering=ordering)
    assert read_region(f"skymap({flat},{level})").hpx29_ranges == read_region(f"skymap({several},{level})").hpx29_ranges


def test_the_order_of_rows_and_the_width_of_floats_make_no_difference(tmp_path: Path) -> None:
    whole = read_region(f"skymap({multi_order_file(tmp_path / 'a.fits', CELLS)},0.9)")
    turned = dict(reversed(CELLS.items()))
    assert read_region(f"skymap({multi_order_file(tmp_path / 'b.fits', turned)},0.9)") == whole
    assert read_region(f"skymap({flat_file(tmp_path / 'c.fits', PIXELS.astype(np.float32))},0.9)").moc == whole.moc


def test_pixels_of_one_density_are_taken_all_or_none(tmp_path: Path) -> None:
    even = np.full(12, 1.0 / 12.0)
    path = flat_file(tmp_path / "even.fits", even)
    assert read_region(f"skymap({path},0.01)").moc.sky_fraction == 1.0
    even[:3] *= 2.0
    path = flat_file(tmp_path / "uneven.fits", even / even.sum())
    assert read_region(f"skymap({path},0.4)").text == "moc(0/0-2)"
    assert read_region(f"skymap({path},0.41)").moc.sky_fraction == 1.0


def test_the_region_needs_its_file_no_more(tmp_path: Path) -> None:
    path = multi_order_file(tmp_path / "a (1), b.fits", CELLS)
    region = read_region(f" skymap( {path} , .9 ) ")
    path.unlink()
    assert Region.parse(region.text).hpx29_ranges == region.hpx29_ranges
    assert read_region(region.text) == region


def test_what_is_no_file_is_read_as_before() -> None:
    assert read_region("cone(10,20,1deg)") == Region.parse("cone(10,20,1deg)")
    with pytest.raises(ValueError, match="not a region"):
        read_region("circle(1,2,3)")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("skymap(map.fits)", "write skymap"),
        ("skymap(map.fits,all)", "write skymap"),
        ("skymap(map.fits,0)", r"\(0, 1\], not 0"),
        ("skymap(map.fits,1.01)", "not 1.01"),
        ("skymap(map.fits,90)", "not 90"),
        ("skymap(map.fits,-0.5)", "not -0.5"),
    ],
)
def test_what_is_written_wrongly_is_told(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        read_region(text)


def test_a_region_by_itself_reads_no_file(tmp_path: Path) -> None:
    path = multi_order_file(tmp_path / "map.fits", CELLS)
    with pytest.raises(ValueError, match="only commands and forms"):
        Region.parse(f"skymap({path},0.9)")


def _cut(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])


UNIQ = np.array([4 * 4**order + number for order, number in CELLS], dtype=np.int64)
OVERLAPPING = UNIQ.copy()
OVERLAPPING[0] = OVERLAPPING[5] // 4
DENSITY = np.array([held * 4.0**order for (order, _), held in CELLS.items()]) * 3.0 / np.pi
BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "not there": (lambda _: None, "No such file"),
    "no FITS": (lambda path: path.write_text("hello " * 1000), "not a FITS file"),
    "empty": (lambda path: path.write_bytes(b""), "file is empty"),
    "no table": (lambda path: flat_file(path, PIXELS, PROB=np.zeros(0)), "not a sky map.*or PROB"),
    "no density": (lambda path: multi_order_file(path, CELLS, PROBDENSITY=np.zeros(0)), "UNIQ and PROBDENSITY"),
    "words": (lambda path: flat_file(path, PIXELS, PROB=np.array(["abc"] * len(PIXELS))), "plain numbers.*3A"),
    "NaN": (lambda path: flat_file(path, np.where(np.arange(3072) == 7, np.nan, PIXELS)), "pixel=7, value=nan, bad=1"),
    "negative": (lambda path: flat_file(path, np.where(np.arange(3072) < 2, -1e-9, PIXELS)), "pixel=0, .*bad=2"),
    "infinite": (
        lambda path: multi_order_file(path, CELLS, PROBDENSITY=np.full(len(CELLS), np.inf)),
        "a probability that is none",
    ),
    "sums to 2": (lambda path: flat_file(path, 2.0 * PIXELS), r"sum=2"),
    "sums to 0": (lambda path: flat_file(path, 0.0 * PIXELS), r"sum=0"),
    "density per degree": (lambda path: multi_order_file(path, CELLS, PROBDENSITY=DENSITY / 3282.8), "sum=0.0003"),
    "truncated": (lambda path: _cut(flat_file(path, PIXELS)), "truncated.*declares_bytes="),
    "too fine": (lambda path: flat_file(path, PIXELS, NSIDE=2**20), "order=20, finest=11"),
    "no power of 2": (lambda path: flat_file(path, PIXELS, NSIDE=12), "nside=12"),
    "another NSIDE": (lambda path: flat_file(path, PIXELS, NSIDE=32), "pixels=3072, nside=32"),
    "unknown order": (lambda path: flat_file(path, PIXELS, ORDERING="SPIRAL"), "ordering='?SPIRAL"),
    "a part": (lambda path: flat_file(path, PIXELS, INDXSCHM="EXPLICIT"), "a part of the sky"),
    "galactic": (lambda path: flat_file(path, PIXELS, COORDSYS="G"), "coordsys='?G"),
    "no cell": (lambda path: multi_order_file(path, CELLS, UNIQ=np.where(UNIQ[3] == UNIQ, 3, UNIQ)), "row=3, uniq=3"),
    "beyond order 29": (lambda path: multi_order_file(path, CELLS, UNIQ=UNIQ + 2**62), "finest=29"),
    "overlapping": (lambda path: multi_order_file(path, CELLS, UNIQ=OVERLAPPING), "overlap.*rows="),
}


@pytest.mark.parametrize("what", BAD)
def test_a_file_that_is_no_sky_map_is_named_with_the_number(tmp_path: Path, what: str) -> None:
    make, complaint = BAD[what]
    path = tmp_path / "bad.fits"
    make(path)
    with pytest.raises(BadConfiguration, match=complaint) as raised:
        read_region(f"skymap({path},0.9)")
    assert str(path) in str(raised.value)


def test_a_packed_file_that_is_cut_is_told(tmp_path: Path) -> None:
    path = flat_file(tmp_path / "map.fits.gz", PIXELS)
    _cut(path)
    with pytest.raises(BadConfiguration, match="corrupt"):
        read_region(f"skymap({path},0.9)")
    path.write_bytes(gzip.compress(b"SIMPLE  =                    T"))
    with pytest.raises(BadConfiguration, match="truncated"):
        read_region(f"skymap({path},0.9)")


def test_a_region_in_too_many_pieces_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sky_map_open, "MOST_RANGES", 10)
    path = multi_order_file(tmp_path / "map.fits", CELLS)
    with pytest.raises(BadConfiguration, match=r"pieces=\d+, allowed=10"):
        read_region(f"skymap({path},0.9)")


def test_a_moc_file_is_the_same_region_as_its_text(tmp_path: Path) -> None:
    path = tmp_path / "field.fits"
    MOC.from_string("6/123-130 7/45", "ascii").save(str(path), format="fits")
    assert read_region(f"moc({path})").hpx29_ranges == Region.parse("moc(6/123-130 7/45)").hpx29_ranges
    _cut(path)
    with pytest.raises(BadConfiguration, match="truncated"):
        read_region(f"moc({path})")
    path.write_text("nonsense")
    with pytest.raises(BadConfiguration, match="not a FITS file"):
        read_region(f"moc({path})")
