import io
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pytest
from astropy.io import fits

from astrid_core.differencing.config import DifferenceConfig
from astrid_core.differencing.entities import QualityLevel
from astrid_core.observations.compatibility import ReferenceClass
from astrid_core.observations.entities import ExternalImage, Observation, Rejection, Survey
from astrid_core.observations.roles import Role
from astrid_core.preprocessing.config import PreprocessConfig
from astrid_core.shared.errors import BadConfiguration, NoReference
from astrid_core.shared.sky import Region
from astrid_core.stages.difference import run_difference
from astrid_core.stages.import_references import Imported, run_import_references
from astrid_core.stages.ingest import run_ingest
from astrid_core.stages.preprocess import Preparation, run_preprocess
from tests.stages.scene import NEW, NIGHT, REFERENCE_NIGHTS, Scene, exposure, scene

PREPROCESS = PreprocessConfig()


def cutout(*, bits: int = -32, **cards: object) -> bytes:
    """Return the field as a maker of cutouts gives it: no time, no exposure."""
    with fits.open(io.BytesIO(exposure(REFERENCE_NIGHTS[0], seed=3))) as opened:
        hdu = fits.PrimaryHDU(opened[0].data, header=opened[0].header)
    for name in ("DATE-OBS", "MJD-OBS", "EXPTIME", "FILTER", "GAIN", "RDNOISE", "SATURATE", "MAGZERO"):
        hdu.header.remove(name)
    if bits == 8:
        hdu.data = np.clip(hdu.data, 0, 255).astype(np.uint8)
    for name, value in cards.items():
        hdu.header[name] = value
    buffer = io.BytesIO()
    hdu.writeto(buffer)
    return buffer.getvalue()


@dataclass(kw_only=True)
class Cutouts:
    """A maker of cutouts in memory: images by the survey that they show."""

    made: dict[str, bytes] = field(default_factory=dict)

    @property
    def survey(self) -> Survey:
        return Survey(name="view")

    def discover(self) -> Iterator[Observation | Rejection]:
        yield from ()

    def fetch(self, observation: Observation) -> bytes:
        raise NotImplementedError

    def companions(self, observation: Observation) -> dict[Role, bytes]:
        raise NotImplementedError

    def images(self) -> Iterator[ExternalImage]:
        for name, content in self.made.items():
            yield ExternalImage(archive_id=f"{name}.fits", content=content, made_from=name, epoch="2000-2008")


def with_cutouts(**made: bytes) -> Scene:
    found = scene()
    dict_of_surveys = {**found.services.surveys, "view": Cutouts(made=made)}
    object.__setattr__(found.services, "surveys", dict_of_surveys)
    for name in [one for one in found.survey.files if NIGHT not in one]:
        del found.survey.files[name]
    run_ingest(found.services, "demo")
    return found


def imported(made: Scene, *, region: Region | None = None) -> Imported:
    return run_import_references(made.services, "view", PREPROCESS, band="r", region=region)


def test_a_cutout_is_a_reference_of_class_b_that_finds_the_new_star_and_is_flagged() -> None:
    made = with_cutouts(SDSSr=cutout())
    prepared = run_preprocess(made.services, f"demo:{NIGHT}/a.fits", Preparation(preprocess=PREPROCESS))
    with pytest.raises(NoReference):
        run_difference(made.services, prepared, DifferenceConfig())
    (digest,) = imported(made).digests
    key = run_difference(made.services, prepared, DifferenceConfig())
    with made.services.transaction() as records:
        reference, run = records.references.get(digest), records.difference_runs.get(key)
        (event,) = [one for one in records.events.all() if one.name == "reference.imported"]
    assert (reference.reference_class, reference.mission, reference.survey) == (ReferenceClass.B, "sdss", "view")
    assert (reference.inputs, reference.nights, reference.version) == ((), (), 1)
    assert event.facts["epoch"] == "2000-2008"
    assert run.reference_digests == (digest,)
    best = run.candidates[0]
    assert (best.x_pix, best.y_pix) == pytest.approx((NEW.x_pix, NEW.y_pix), abs=0.5)
    assert run.quality is not None
    assert run.quality.level is QualityLevel.ORANGE
    assert "reference of sdss, another survey" in run.quality.reasons[0]


def test_an_exposure_is_not_compared_with_itself() -> None:
    with fits.open(io.BytesIO(exposure(NIGHT, seed=1))) as opened:
        taken = opened[0].header["DATE-OBS"]
    made = with_cutouts(SDSSr=cutout(**{"DATE-OBS": taken, "EXPTIME": 60.0}))
    prepared = run_preprocess(made.services, f"demo:{NIGHT}/a.fits", Preparation(preprocess=PREPROCESS))
    (digest,) = imported(made).digests
    with made.services.transaction() as records:
        assert records.references.get(digest).nights == (NIGHT,)
    with pytest.raises(NoReference, match="no reference from another night"):
        run_difference(made.services, prepared, DifferenceConfig())


def test_importing_again_is_doing_nothing() -> None:
    made = with_cutouts(SDSSr=cutout())
    first = imported(made)
    n_stored = len(made.artifacts.stored)
    assert imported(made) == first
    assert len(made.artifacts.stored) == n_stored
    with made.services.transaction() as records:
        assert [one.name for one in records.events.all()].count("reference.imported") == 1


def test_what_cannot_be_a_reference_is_refused_with_the_reason_and_keeps_nothing_from_the_others() -> None:
    made = with_cutouts(**{
        "DSS2 Red": cutout(),
        "Picture": cutout(bits=8),
        "Nowhere": cutout(CTYPE1="X", CTYPE2="Y"),
        "Nothing": b"<html>",
        "SDSSr": cutout(OBJECT="field"),
    })  # fmt: skip
    found = imported(made)
    assert len(found.digests) == 1
    assert {name.removesuffix(".fits"): words for name, words in found.refused.items()}.keys() == {
        "DSS2 Red", "Picture", "Nowhere", "Nothing",
    }  # fmt: skip
    assert "density, not flux" in found.refused["DSS2 Red.fits"]
    assert "8 bits: a picture" in found.refused["Picture.fits"]
    assert "without WCS" in found.refused["Nowhere.fits"]
    assert "not a FITS file" in found.refused["Nothing.fits"]


def test_only_images_in_the_region_are_imported() -> None:
    made = with_cutouts(SDSSr=cutout())
    assert imported(made, region=Region.parse("cone(10, 10, 1deg)")) == Imported(digests=(), refused={})


def test_an_unknown_survey_is_a_wrong_setting() -> None:
    with pytest.raises(BadConfiguration, match="survey is not configured"):
        run_import_references(scene().services, "nix", PREPROCESS, band="r")
