from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from astrid_core.adapters.surveys.directory import DirectoryClient
from astrid_core.observations.config import IngestConfig
from astrid_core.observations.entities import Observation, Survey
from astrid_core.observations.frames import read_frame
from astrid_core.observations.registry_file import FILE, known_instruments, read_registry
from astrid_core.shared.errors import BadConfiguration
from astrid_core.shared.images import MaskPlane
from tests.synthetic.broken import as_bytes, exposure

SHIPPED = (Path(__file__).resolve().parents[2] / "astrid_core" / "observations" / FILE).read_text()

ODD = """
[missions.attic]
description = "a telescope under the roof"
match = { OBSRVTRY = "Attic" }
level = "raw"
mask = { SATURATED = [3], BAD = [0] }

[missions.attic.dialect]
exposure = ["OPENMIN"]
exposure_unit = "min"
date = ["WHEN"]
ignore = ["FILTER", "EXPTIME"]

[instruments.oddcam]
mission = "attic"
match = { KAMERA = "Odd-?Cam.*" }
gain_e_adu = 2.5
saturation_adu = 4000

[instruments.oddcam.dialect]
band = ["GLASS"]
instrument = ["KAMERA"]
read_noise = ["NOISE_E"]

[bands.violet]
aliases = ["Glass 7"]
"""


def odd_file() -> bytes:
    hdu = exposure(GAIN=None, DATE_OBS=None, MJD_OBS=None)
    for name in ("GAIN", "MJD-OBS", "DATE-OBS"):
        hdu.header.remove(name, ignore_missing=True)
    for name, value in {
        "OBSRVTRY": "Attic",
        "KAMERA": "OddCam 2",
        "OPENMIN": 1.5,
        "EXPTIME": 1.5,
        "WHEN": "2025-03-01T22:00:00",
        "GLASS": "glass 7",
        "NOISE_E": 6.5,
    }.items():
        hdu.header[name] = value
    mask = np.zeros(hdu.data.shape, np.int16)
    mask[0, :4] = [1, 2, 8, 9]
    return as_bytes(hdu, fits.ImageHDU(mask, name="DQ"))


def test_a_new_instrument_with_odd_cards_is_ingested_by_its_table_alone(tmp_path: Path) -> None:
    (tmp_path / "odd.fits").write_bytes(odd_file())
    registry = read_registry(SHIPPED + ODD)
    client = DirectoryClient(Survey(name="attic"), tmp_path, IngestConfig(), registry=registry)

    (found,) = client.discover()

    assert isinstance(found, Observation)
    assert (found.instrument, found.band, found.exposure_s) == ("OddCam 2", "violet", 90.0)
    assert (found.gain_e_adu, found.read_noise_e, found.saturation_adu) == (2.5, 6.5, 4000.0)
    assert found.mid_mjd == pytest.approx(60735.0 + (22.0 * 3600.0 + 45.0) / 86400.0, abs=1e-9)
    frame = read_frame(client.fetch(found), extension=0, name="odd.fits", registry=registry)
    assert frame.mask is not None
    bad, saturated = int(MaskPlane.BAD), int(MaskPlane.SATURATED)
    assert list(frame.mask[0, :5]) == [bad, 0, saturated, bad | saturated, 0]


def test_the_same_file_says_something_else_to_who_does_not_know_the_instrument(tmp_path: Path) -> None:
    (tmp_path / "odd.fits").write_bytes(odd_file())
    (found,) = DirectoryClient(Survey(name="attic"), tmp_path, IngestConfig()).discover()
    assert not isinstance(found, Observation)
    assert "no time of observation" in found.reason


def test_the_shipped_registry_is_in_order_and_names_are_found() -> None:
    registry = known_instruments()
    assert {"hst", "jwst", "ps1", "eso"} <= set(registry.missions)
    named = registry.named("FORS2")
    assert named is not None
    assert named.mission == "eso"
    assert registry.named("WFC3") is None  # its two channels have one name
    assert registry.named("nobody's") is None


@pytest.mark.parametrize(
    ("table", "message", "where"),
    [
        ("[misions.a]", "unknown table", {"table": "misions"}),
        ("[missions.a]\ncolour = 1", "unknown key", {"table": "missions.a", "key": "colour"}),
        ("[missions.a.dialect]\nbnad = ['X']", "unknown key", {"table": "missions.a.dialect", "key": "bnad"}),
        ("[missions.a]\nname = 'b'", "unknown key", {"table": "missions.a", "key": "name"}),
        ("[missions.a]\nmatch = { T = '(' }", "not a regular", {"table": "missions.a.match", "key": "T"}),
        ("[missions.a]\nlevel = 'done'", "another kind", {"table": "missions.a", "key": "level"}),
        ("[missions.a]\nweight = 'sigma'", "no such choice", {"table": "missions.a", "key": "weight"}),
        ("[missions.a]\nmask = { BAD = [1], TRAIL = [1] }", "two things", {"table": "missions.a.mask", "key": "TRAIL"}),
        ("[missions.a]\nmask = { BAD = [99] }", "no such bit", {"table": "missions.a.mask", "key": "BAD"}),
        ("[missions.a]\nmask = { BAD = 1 }", "needs a list", {"table": "missions.a.mask", "key": "BAD"}),
        ("[missions.a.dialect]\ninput_scale = 'S{:d}'", "belong", {"table": "missions.a.dialect", "key": "n_inputs"}),
        ("[missions.a.dialect]\nra = ['R']", "belong", {"table": "missions.a.dialect", "key": "dec"}),
        (
            "[missions.a.dialect]\nband = ['B']\nignore = ['B']",
            "read and ignored",
            {"table": "missions.a.dialect", "key": "ignore"},
        ),
        ("[instruments.c]\nmatch = { I = 'C' }", "a key is missing", {"table": "instruments.c", "key": "mission"}),
        ("[instruments.c]\nmission = 'hts'\nmatch = { I = 'C' }", "no such mission", {"key": "mission"}),
        ("[instruments.c]\nmission = 'hst'", "needs a card", {"table": "instruments.c", "key": "match"}),
        (
            "[instruments.c]\nmission = 'jwst'\nmatch = { INSTRUME = 'nircam' }",
            "the same cards",
            {"table": "instruments.c", "other": "instruments.nircam"},
        ),
        (
            "[instruments.c]\nmission = 'hst'\nmatch = { I = 'C' }\ngain_e_adu = -1",
            "positive",
            {"table": "instruments.c", "key": "gain_e_adu"},
        ),
        ("[bands.q]\naliases = ['r']", "two bands", {"table": "bands.q", "key": "aliases"}),
        ("[[pairings]]\nscience = 'hst'\nreference = 'ps2'\nreason = ''", "no such mission", {"key": "reference"}),
        ("[[pairings]]\nscience = '*'\nreference = 'ps1'\nreason = ''", "twice", {"key": "science"}),
        (
            "[[pairings]]\nscience = 'hst'\nreference = 'ps1'\nreason = ''\nbands = [['r', 'nix']]",
            "no such band",
            {"key": "bands"},
        ),
    ],
)
def test_unknown_keys_and_contradictions_are_refused_with_file_table_and_key(
    table: str, message: str, where: dict[str, object]
) -> None:
    with pytest.raises(BadConfiguration, match=message) as refused:
        read_registry(f"{SHIPPED}\n{table}\n", file="mine.toml")
    assert refused.value.facts["file"] == "mine.toml"
    assert "table" in refused.value.facts
    assert {key: refused.value.facts.get(key) for key in where} == where


def test_what_is_no_toml_is_refused_with_the_file() -> None:
    with pytest.raises(BadConfiguration, match="cannot be read") as refused:
        read_registry("[missions", file="mine.toml")
    assert refused.value.facts["file"] == "mine.toml"


def test_the_worked_example_of_the_operations_page_is_in_order() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "operations.md").read_text()
    example = page.partition("As an example, a camera")[2].partition("`match` are cards")[0]
    table = "\n".join(line.removeprefix("    ") for line in example.splitlines() if line.startswith("    "))
    registry = read_registry(f"{SHIPPED}\n{table}")
    assert registry.instruments["oddcam"].mission == "attic"
    assert registry.band_name("glass 7") == "violet"
