"""SkyView: its pages as they were recorded, cutouts in units of flux, and pages that are none."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from astrid_core.adapters.surveys.http import HttpClient
from astrid_core.adapters.surveys.skyview import SkyViewQuery
from astrid_core.adapters.surveys.skyview_pages import result, survey_names
from astrid_core.observations.entities import Observation, Rejection
from astrid_core.shared.errors import BadConfiguration, UnexpectedAnswer, UnusableFile
from astrid_core.shared.sky import SkyPosition
from tests.adapters.remote_surveys import POLICY, skyview_client
from tests.fakes import survey_servers
from tests.fakes.archive_server import ArchiveServer
from tests.synthetic.broken import as_bytes, exposure

RECORDED = (
    Path(os.environ.get("ASTRID_REAL_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
    / "archive-responses"
    / "skyview"
)
URL = "https://skyview.test/current/cgi/runquery.pl"
PLACE = SkyPosition(ra_deg=150.0, dec_deg=2.0)
NAME = "150.00000_+2.00000_0.25deg_1000px.fits"
FILES = {"DSS2 Red": as_bytes(exposure()), "H-Alpha <Comp>": as_bytes(exposure(EXPTIME=None, MJD_OBS=None))}


@pytest.fixture
def server() -> Iterator[ArchiveServer]:
    with ArchiveServer(survey_servers.skyview(FILES)) as running:
        yield running


@pytest.fixture
def http() -> Iterator[HttpClient]:
    with HttpClient("skyview", POLICY) as opened:
        yield opened


def test_cutouts_are_references_of_class_b_with_their_units(
    server: ArchiveServer, http: HttpClient, tmp_path: Path
) -> None:
    client = skyview_client(server, http, tmp_path, surveys=tuple(FILES))
    first, second = client.references()
    assert (first.survey, first.centre, first.pixel_scale_arcsec) == ("DSS2 Red", PLACE, 0.9)
    assert (first.pixel_units, first.epoch, first.reference_class) == ("counts", "2008-2012", "B")
    assert first.path.read_bytes() == FILES["DSS2 Red"]
    assert second.archive_id == f"H-Alpha_Comp/{NAME}"
    n_asked = len(server.asked)
    assert list(client.references()) == [first, second]
    assert len(server.asked) == n_asked + 1


def test_cutouts_are_images_with_what_skyview_says_about_them(
    server: ArchiveServer, http: HttpClient, tmp_path: Path
) -> None:
    (image,) = skyview_client(server, http, tmp_path, surveys=("DSS2 Red",)).images()
    assert (image.archive_id, image.content) == (f"DSS2_Red/{NAME}", FILES["DSS2 Red"])
    assert (image.made_from, image.pixel_units, image.epoch) == ("DSS2 Red", "counts", "2008-2012")


def test_only_a_cutout_with_a_time_is_an_exposure(server: ArchiveServer, http: HttpClient, tmp_path: Path) -> None:
    plate, coadd = skyview_client(server, http, tmp_path, surveys=tuple(FILES)).discover()
    assert isinstance(plate, Observation)
    assert plate.archive_id == f"DSS2_Red/{NAME}"
    assert isinstance(coadd, Rejection)
    assert "time" in coadd.reason


def test_skyview_is_asked_for_fluxes_as_they_are(server: ArchiveServer, http: HttpClient, tmp_path: Path) -> None:
    list(skyview_client(server, http, tmp_path, surveys=("DSS2 Red",)).references())
    (asked,) = (one.query for one in server.asked if one.path.endswith("runquery.pl"))
    assert asked == {
        "survey": "DSS2 Red", "position": "150.0,2.0", "coordinates": "ICRS", "projection": "Tan", "pixels": "1000",
        "size": "0.25", "float": "on", "scaling": "Linear", "Sampler": "Clip", "Deedger": "null",
    }  # fmt: skip


def test_a_picture_is_no_reference(server: ArchiveServer, http: HttpClient, tmp_path: Path) -> None:
    picture = as_bytes(fits.PrimaryHDU(np.zeros((64, 64), dtype=np.uint8)))
    for content, words in ((picture, "8 bits: a picture"), (b"\xff\xd8\xff\xe0 JFIF", "not a FITS file")):
        folder = tmp_path / words[0]
        server.answer = survey_servers.skyview({"DSS": content})
        with pytest.raises(UnusableFile, match=words):
            list(skyview_client(server, http, folder).references())


def test_a_survey_that_skyview_does_not_have_is_a_wrong_setting(
    server: ArchiveServer, http: HttpClient, tmp_path: Path
) -> None:
    client = skyview_client(server, http, tmp_path, surveys=("DSS9",))
    with pytest.raises(BadConfiguration, match=r"no such survey.*survey=DSS9, n_known=2"):
        list(client.discover())


def test_a_cutout_that_is_not_asked_for_any_more_cannot_be_fetched(
    server: ArchiveServer, http: HttpClient, tmp_path: Path
) -> None:
    (found,) = skyview_client(server, http, tmp_path / "a", surveys=("DSS2 Red",)).discover()
    assert isinstance(found, Observation)
    with pytest.raises(UnusableFile, match="not asked for this cutout any more"):
        skyview_client(server, http, tmp_path / "b").fetch(found)


@pytest.mark.parametrize(
    ("page", "kind", "words"),
    [
        ("<html>We are moving</html>", UnexpectedAnswer, "no result.*says=We are moving"),
        ("surveySettings", UnusableFile, "made no FITS image"),
        ("surveySettings <a href=a.fits> <a href=b.fits>", UnexpectedAnswer, "more images.*n_images=2"),
        ("surveySettings <a href='https://other.test/a.fits'>", UnexpectedAnswer, "on another server"),
        ("surveySettings <a href='http://[/a.fits'>", UnexpectedAnswer, "is none"),
        ("surveySettings <a href='file:///etc/a.fits'>", UnexpectedAnswer, "on another server"),
    ],
)
def test_a_page_that_is_no_result_is_an_error(page: str, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words):
        result(page, url=URL)


def test_a_form_without_surveys_is_an_error() -> None:
    with pytest.raises(UnexpectedAnswer, match=r"lists no surveys.*says=Sorry"):
        survey_names("<html>Sorry</html>", url=URL)


@pytest.mark.parametrize(
    "changed",
    [{"surveys": ()}, {"centres": ()}, {"size_deg": 0.0}, {"n_pixels": 10**6}, {"surveys": ("PI/I", "PI I")}],
)
def test_queries_that_make_no_sense_are_refused(changed: dict[str, object]) -> None:
    sound: dict[str, object] = {"surveys": ("DSS",), "centres": (PLACE,), "size_deg": 0.1}
    with pytest.raises(BadConfiguration):
        SkyViewQuery(**(sound | changed))  # type: ignore[arg-type]


@pytest.mark.real
@pytest.mark.skipif(not RECORDED.is_dir(), reason=f"no recorded answers at {RECORDED}; set ASTRID_REAL_DATA")
class TestRecorded:
    def test_the_form_lists_the_surveys(self) -> None:
        groups = survey_names((RECORDED / "query_page.html").read_text(), url=URL)
        assert groups["Optical:DSS"] == ("DSS", "DSS1 Blue", "DSS1 Red", "DSS2 Red", "DSS2 Blue", "DSS2 IR")
        assert "EGRET <100 MeV" in groups["GammaRay"]
        listed = json.loads((RECORDED / "survey_dict.json").read_text())
        assert set(groups["UV"]) == set(listed["UV"])
        assert sum(len(names) for names in groups.values()) > 100

    def test_a_page_of_three_results_is_more_than_we_ask_for(self) -> None:
        with pytest.raises(UnexpectedAnswer, match="n_images=3"):
            result((RECORDED / "results.html").read_text(), url=URL)

    def test_the_first_of_its_results_alone_is_read_whole(self) -> None:
        page = (RECORDED / "results.html").read_text()
        first = page[: page.index("surveySettings[2]")]
        made = result(first, url="https://skyview.gsfc.nasa.gov/current/cgi/runquery.pl")
        assert made.url == "https://skyview.gsfc.nasa.gov/tempspace/fits/skv6724208473423_1.fits"
        assert made.facts["pixelunits"] == "counts"
        assert made.facts["epoch"] == "2008-2012"
