"""A hundred difference images are dropped and made again: every digest is what it was."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from astrid_core.bootstrap import load_pipeline
from astrid_core.differencing.leave_out import LeaveOut
from astrid_core.differencing.retention import RetentionConfig
from astrid_core.stages.build_reference import run_build_reference
from astrid_core.stages.difference import run_difference
from astrid_core.stages.ingest import run_ingest
from astrid_core.stages.preprocess import run_preprocess
from astrid_core.stages.references import plan_references
from astrid_core.stages.retention import drop_images, recreate_image
from tests.stages.scene import NEW, NIGHT, exposure, scene

pytestmark = pytest.mark.live

N_IMAGES = 100


def test_a_hundred_dropped_images_come_back_with_their_digests() -> None:
    pipeline = load_pipeline()
    names = [f"{NIGHT}/{number:03d}.fits" for number in range(N_IMAGES)]
    files = {
        name: exposure(
            NIGHT, seed=100 + number, extra=[replace(NEW, x_pix=40.0 + 2.5 * number)], fwhm=2.8 + number / 100
        )
        for number, name in enumerate(names)
    }
    made = scene(**files)
    run_ingest(made.services, "demo")
    (group,) = plan_references(
        made.services, survey="demo", config=pipeline.reference, leave_out=LeaveOut(nights=frozenset({NIGHT}))
    )
    inputs = [run_preprocess(made.services, one, pipeline.preparation) for one in group.observation_ids]
    run_build_reference(
        made.services, inputs, pipeline.reference, pipeline.activation, cells=group.cells, band=group.band
    )
    prepared = [run_preprocess(made.services, f"demo:{name}", pipeline.preparation) for name in names]
    keys = [run_difference(made.services, one, pipeline.difference) for one in prepared]
    with made.services.transaction() as records:
        images = [records.difference_runs.get(key).image for key in keys]
    digests = {image.digest for image in images if image}
    before = dict(made.artifacts.stored)
    made.artifacts.modified |= dict.fromkeys(before, datetime.now(tz=UTC) - timedelta(days=2))
    done = drop_images(made.services, RetentionConfig(difference_image_days=1), dry_run=False)
    assert len(digests) == len(done.runs) == N_IMAGES
    assert set(before) - set(made.artifacts.stored) == digests
    assert [recreate_image(made.services, key) for key in keys] == [True] * N_IMAGES
    assert made.artifacts.stored == before
