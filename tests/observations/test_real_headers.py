"""Files of eight telescopes and four archives: every one an observation with plausible facts, or a clear reason."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from astropy.time import Time

from astrid_core.adapters.surveys.directory import DirectoryClient
from astrid_core.observations.config import IngestConfig
from astrid_core.observations.entities import Observation, Rejection, Survey, WcsOrigin
from astrid_core.observations.frames import read_frame
from astrid_core.observations.roles import Role
from astrid_core.shared.fits_format import fits_to_image, image_to_fits
from astrid_core.shared.images import SkyImage

DATA = Path(os.environ.get("ASTRID_REAL_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not DATA.is_dir(), reason=f"the real data are not at {DATA}; set ASTRID_REAL_DATA"),
]


def look(folder: str) -> dict[str, Observation | Rejection]:
    client = DirectoryClient(Survey(name="real"), DATA / folder, IngestConfig())
    return {one.archive_id: one for one in client.discover()}


def mjd(text: str) -> float:
    return float(Time(text, scale="utc").mjd)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the header of a file means, read by eye."""

    file: str
    instrument: str
    band: str
    exposure_s: float
    middle: str
    sky_deg: tuple[float, float]
    scale_arcsec: float


KNOWN = (
    Known(file="ingest-images/hst_wfc3_flt_pluto1.fits", instrument="WFC3", band="F606W", exposure_s=479.0,
          middle="2011-06-28T14:26:23.5", sky_deg=(276.344, -18.816), scale_arcsec=0.0397),
    Known(file="ingest-images/272_mpc_1.1_00001.fits", instrument="QHY163M", band="unknown", exposure_s=20.0,
          middle="2024-07-22T22:48:52.06", sky_deg=(317.212, -23.553), scale_arcsec=1.269),
    Known(file="ingest-images/cutout-1616687p.fits", instrument="MegaPrime", band="r", exposure_s=287.083,
          middle="2013-04-09T09:21:40.04", sky_deg=(212.178, -11.652), scale_arcsec=0.186),
    Known(file="ingest-images/mast_dss_horsehead.fits", instrument="Photographic Plate", band="OG590",
          exposure_s=3900.0, middle="1990-12-22T14:21:30", sky_deg=(85.275, -2.458), scale_arcsec=1.008),
    Known(file="ingest-images/cutout_for_fwhm_test.fits", instrument="AspenCG16", band="r", exposure_s=90.0,
          middle="2018-08-23T05:56:24", sky_deg=(349.026, 31.427), scale_arcsec=0.563),
    Known(file="ingest-images/ukidss_wsa_K.fits", instrument="WFCAM", band="K", exposure_s=10.0,
          middle="2007-10-11T13:12:10.56", sky_deg=(83.633, 22.015), scale_arcsec=0.2006),
    Known(file="pair-sn2007i/fors2_B_20070618_sci.fits", instrument="FORS2", band="B", exposure_s=179.9875,
          middle="2007-06-18T02:41:49.99", sky_deg=(179.805, -1.605), scale_arcsec=0.250),
    Known(file="pair-sn2007i/ps1_g_stack_ref.fits", instrument="GPC1", band="g", exposure_s=724.0,
          middle="2011-07-16T03:49:40.6", sky_deg=(179.805, -1.605), scale_arcsec=0.250),
    Known(file="wcs-panoptes/solved.fits.fz", instrument="XXXXXX", band="RGGB", exposure_s=120.4,
          middle="2016-09-09T08:15:34.2", sky_deg=(303.206, 46.017), scale_arcsec=10.32),
)  # fmt: skip


@pytest.mark.parametrize("known", KNOWN, ids=[known.file for known in KNOWN])
def test_archives_are_read_as_their_headers_mean(known: Known) -> None:
    folder, _, archive_id = known.file.partition("/")
    found = look(folder)[archive_id]
    assert isinstance(found, Observation)
    assert (found.instrument, found.band, found.wcs_origin) == (known.instrument, known.band, WcsOrigin.HEADER)
    assert found.exposure_s == pytest.approx(known.exposure_s)
    assert found.mid_mjd == pytest.approx(mjd(known.middle), abs=1.0 / 86400.0)
    assert (found.position.ra_deg, found.position.dec_deg) == pytest.approx(known.sky_deg, abs=1e-3)
    assert found.pixel_scale_arcsec == pytest.approx(known.scale_arcsec, rel=0.005)


def test_detectors_and_zero_points_of_archives() -> None:
    fors2, ps1 = (look("pair-sn2007i")[name] for name in ("fors2_B_20070618_sci.fits", "ps1_g_stack_ref.fits"))
    assert isinstance(fors2, Observation)
    assert isinstance(ps1, Observation)
    assert (fors2.gain_e_adu, fors2.read_noise_e, fors2.zero_point_mag) == (1.25, 2.7, None)
    assert ps1.zero_point_mag == pytest.approx(25.0 + 7.149, abs=0.001)
    # 1.02 electrons per count, 16 inputs scaled by 26.2 on average and then averaged
    assert ps1.gain_e_adu == pytest.approx(0.622, abs=0.001)
    hst = look("ingest-images")["hst_wfc3_flt_pluto1.fits"]
    assert isinstance(hst, Observation)
    assert (hst.gain_e_adu, hst.extension) == (1.0, 1)
    assert hst.zero_point_mag == pytest.approx(26.00 + 6.70, abs=0.01)


def test_a_series_without_wcs_is_placed_by_its_pointing_in_one_night() -> None:
    series = list(look("series-hatp32").values())
    assert len(series) == 8
    for found in series:
        assert isinstance(found, Observation)
        assert (found.wcs_origin, found.band, found.night) == (WcsOrigin.POINTING, "clear", "2017-12-19")
        assert found.pixel_scale_arcsec == pytest.approx(5.21)
    first = series[0]
    assert isinstance(first, Observation)
    assert first.mid_mjd == pytest.approx(mjd("2017-12-20T01:34:13.3"), abs=1.0 / 86400.0)


def test_copied_dates_of_a_pair_are_not_believed() -> None:
    found = look("pair-nircam")
    nights = {one.night for one in found.values() if isinstance(one, Observation)}
    assert nights == {"2022-06-28", "2022-11-02"}
    for one in found.values():
        if isinstance(one, Observation):
            (noise,) = one.companions
            assert (noise.role, noise.archive_id) == (Role.SIGMA, one.archive_id.replace(".fits", ".noise.fits"))


@pytest.mark.parametrize(
    ("folder", "reasons"),
    [
        ("registration-goto", {"3.fits": "position unknown", "4.fits": "position unknown"}),
        (
            "wcs-panoptes",
            {
                "noheader.fits": "position unknown",
                "pole.fits": "solved on a larger image",
                "rotation.fits": "position unknown",
                "tiny.fits": "pointing without a pixel scale",
                "unsolved.fits": "pointing without a pixel scale",
            },
        ),
    ],
)
def test_frames_without_a_place_are_refused_with_the_reason(folder: str, reasons: dict[str, str]) -> None:
    refused = {name: one.reason for name, one in look(folder).items() if isinstance(one, Rejection)}
    assert set(refused) == set(reasons)
    assert all(reasons[name] in refused[name] for name in reasons)


@pytest.mark.parametrize("folder", ["ingest-images", "pair-nircam", "pair-sn2007i", "series-hatp32", "wcs-panoptes"])
def test_what_is_observed_can_be_read_stored_and_read_back_on_the_same_sky(folder: str) -> None:
    for found in look(folder).values():
        if isinstance(found, Rejection):
            continue
        content = (DATA / folder / found.archive_id).read_bytes()
        frame = read_frame(content, extension=found.extension, name=found.archive_id)
        assert frame.pixels.shape == (found.height_pix, found.width_pix)
        assert frame.wcs_origin is found.wcs_origin
        ones, empty = np.ones_like(frame.pixels), np.zeros(frame.pixels.shape, np.uint16)
        image = SkyImage(pixels=frame.pixels, variance=ones, mask=empty, wcs=frame.wcs)
        back = fits_to_image(image_to_fits(image)).wcs
        assert frame.wcs is not None
        assert back is not None
        x, y = [0, found.width_pix - 1], [0, found.height_pix - 1]
        # Hubble's look-up distortion does not fit into a header: a milliarcsecond, a fortieth of its pixel
        assert frame.wcs.pixel_to_world(x, y).separation(back.pixel_to_world(x, y)).arcsec.max() < 2e-3
