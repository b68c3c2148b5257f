import io
from dataclasses import replace

import numpy as np
import pytest
from astropy.io import fits

from astrid_core.observations.frames import read_frame
from astrid_core.observations.roles import Role
from astrid_core.preprocessing.config import PreprocessConfig
from astrid_core.shared.errors import Unprocessable, UnusableFile
from astrid_core.shared.images import MaskPlane
from astrid_core.shared.runs import RunStatus
from astrid_core.stages.images import load_image
from astrid_core.stages.ingest import run_ingest
from astrid_core.stages.preprocess import preprocess_key, run_preprocess
from tests.stages.scene import NIGHT, SHAPE, scene

CONFIG = PreprocessConfig()
SCIENCE = f"demo:{NIGHT}/a.fits"


def as_file(plane: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    fits.PrimaryHDU(plane).writeto(buffer)
    return buffer.getvalue()


def mask_file(shape: tuple[int, int] = SHAPE) -> bytes:
    mask = np.zeros(shape, np.int16)
    mask[100:120, 30:60] = 4
    return as_file(mask)


def test_a_mask_in_a_file_of_its_own_is_in_the_prepared_image_and_in_the_key() -> None:
    made = scene(**{f"{NIGHT}/a.mask.fits": mask_file()})
    run_ingest(made.services, "demo")
    key = run_preprocess(made.services, SCIENCE, CONFIG)
    with made.services.transaction() as records:
        run, observation = records.preprocess_runs.get(key), records.observations.get(SCIENCE)
    assert run.image is not None
    mask = load_image(made.artifacts, run.image).mask
    assert (mask[100:120, 30:60] & MaskPlane.BAD).all()
    assert not (mask[200:220, 30:60] & MaskPlane.BAD).any()
    (companion,) = observation.companions
    assert made.artifacts.contains(companion.digest)
    without = replace(observation, companions=())
    changed = replace(observation, companions=(replace(companion, digest="0" * 64),))
    assert len({key, preprocess_key(without, CONFIG), preprocess_key(changed, CONFIG)}) == 3


@pytest.mark.parametrize(
    ("mask", "reason"),
    [
        (mask_file((10, 10)), r"mask has another shape than its image \(map_pix=10 x 10, image_pix=340 x 320\)"),
        (b"no FITS", "not a FITS file"),
    ],
)
def test_a_map_that_does_not_fit_is_a_skipped_run_with_the_reason(mask: bytes, reason: str) -> None:
    made = scene(**{f"{NIGHT}/a.mask.fits": mask})
    run_ingest(made.services, "demo")
    with pytest.raises(Unprocessable, match=reason):
        run_preprocess(made.services, SCIENCE, CONFIG)


def test_a_map_that_went_away_is_a_skipped_run_until_it_is_ingested_again() -> None:
    made = scene(**{f"{NIGHT}/a.mask.fits": mask_file()})
    run_ingest(made.services, "demo")
    del made.survey.files[f"{NIGHT}/a.mask.fits"]
    with pytest.raises(Unprocessable, match=r"a\.mask\.fits"):
        run_preprocess(made.services, SCIENCE, CONFIG)
    assert run_ingest(made.services, "demo").n_changed == 1
    key = run_preprocess(made.services, SCIENCE, CONFIG)
    with made.services.transaction() as records:
        assert records.preprocess_runs.get(key).status is RunStatus.SUCCEEDED


IMAGE = as_file(np.full((64, 64), 7.0, np.float32))
PLANE = np.full((64, 64), 4.0, np.float32)
PLANE[0, 0] = 0.0


def test_weights_become_variance_as_the_mission_means_them() -> None:
    stranger = read_frame(IMAGE, extension=0, name="a", beside={Role.WEIGHT: as_file(PLANE)})
    assert stranger.variance is not None
    assert stranger.mask is not None
    assert (stranger.variance[1, 1], stranger.mask[0, 0]) == (0.25, MaskPlane.BAD)
    hdu = fits.PrimaryHDU(np.full((64, 64), 7.0, np.float32))
    hdu.header["HIERARCH FPA.TELESCOPE"] = "PS1"
    buffer = io.BytesIO()
    hdu.writeto(buffer)
    stack = read_frame(buffer.getvalue(), extension=0, name="s", beside={Role.WEIGHT: as_file(PLANE)})
    assert stack.variance is not None
    assert stack.variance[1, 1] == 4.0  # Pan-STARRS keeps variances under the name of weights


def test_bits_of_a_mask_file_mean_what_the_mission_means() -> None:
    hdu = fits.PrimaryHDU(np.full((64, 64), 7.0, np.float32))
    hdu.header["HIERARCH FPA.TELESCOPE"] = "PS1"
    buffer = io.BytesIO()
    hdu.writeto(buffer)
    bits = np.zeros((64, 64), np.int16)
    bits[0, :4] = [0x0008, 0x0020, 0x0100, 0x1000]
    found = read_frame(buffer.getvalue(), extension=0, name="s", beside={Role.MASK: as_file(bits)})
    assert found.mask is not None
    assert list(found.mask[0, :4]) == [MaskPlane.NO_DATA, MaskPlane.SATURATED, MaskPlane.COSMIC_RAY, 0]


def test_nothing_was_observed_where_the_exposure_map_is_zero() -> None:
    found = read_frame(IMAGE, extension=0, name="a", beside={Role.EXPOSURE: as_file(PLANE)})
    assert found.mask is not None
    assert (found.mask[0, 0], found.mask[1, 1]) == (MaskPlane.NO_DATA, 0)


def test_a_map_without_image_is_a_reason() -> None:
    empty = io.BytesIO()
    fits.PrimaryHDU().writeto(empty)
    with pytest.raises(UnusableFile, match="weight map has no image there"):
        read_frame(IMAGE, extension=0, name="a", beside={Role.WEIGHT: empty.getvalue()})
