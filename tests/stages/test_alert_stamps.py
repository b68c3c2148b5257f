"""A searched night, told with pictures; what was injected into it is not."""

import gzip
import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import fastavro
import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from astrid_core.adapters.alerts import avro
from astrid_core.alerts.config import AlertsConfig
from astrid_core.alerts.entities import Channel, Message
from astrid_core.bootstrap import Pipeline
from astrid_core.differencing.inject_config import InjectConfig
from astrid_core.shared.runs import RunKey
from astrid_core.stages.alert_gate import run_gate_alerts
from astrid_core.stages.announce import open_channels
from astrid_core.stages.deliver import run_deliver
from astrid_core.stages.inject import run_injection
from astrid_core.stages.publish import run_publish
from tests.fakes.alerts import MemoryAlertChannels, MemoryAlertSender
from tests.stages.scene import NEW, NIGHT, Scene, scene
from tests.stages.searched import searched

PIPELINE = Pipeline(inject=InjectConfig(n_sources=40, separation_fwhm=4.0))
CONFIG = AlertsConfig(channels=(Channel(name="all", format="avro"),))


def told(made: Scene, model_run: RunKey) -> list[Message]:
    """Publish the night and return what a receiver got."""
    sender = MemoryAlertSender(wants_stamps=True)
    services = replace(made.services, alert_channels=MemoryAlertChannels({"all": sender}))
    open_channels(services, CONFIG)
    run_publish(services, "demo", NIGHT, PIPELINE.publish, [model_run])
    run_gate_alerts(services, CONFIG, batch="run-1")
    later = datetime.now(UTC) + timedelta(seconds=1)
    run_deliver(services, CONFIG, clock=lambda: later)
    return sender.got


def pixels(stamp: bytes) -> NDArray[np.float32]:
    with fits.open(io.BytesIO(gzip.decompress(stamp))) as hdus:
        hdus.verify("exception")
        return np.array(hdus[0].data)


def test_the_new_star_of_a_night_is_told_with_pictures_and_injected_sources_are_not() -> None:
    made = scene()
    difference, model_run, model = searched(made, PIPELINE)
    run_injection(made.services, difference, model.id, PIPELINE.trial())
    (message,) = told(made, model_run)
    newest = message.announcement.newest
    with made.services.transaction() as records:
        found = records.model_runs.detection(newest.detection_id).candidate
    assert np.hypot(found.x_pix - NEW.x_pix, found.y_pix - NEW.y_pix) < 1.0
    assert message.stamps is not None
    planes = [pixels(one) for one in (message.stamps.science, message.stamps.reference, message.stamps.difference)]
    assert {plane.shape for plane in planes} == {(63, 63)}
    peak = np.unravel_index(np.nanargmax(planes[2]), (63, 63))
    assert max(abs(peak[0] - 31), abs(peak[1] - 31)) <= 1
    record = next(iter(fastavro.reader(io.BytesIO(avro.packet(message)))))
    assert isinstance(record, dict)
    assert record["cutoutDifference"]["stampData"] == message.stamps.difference
    assert gzip.decompress(record["cutoutScience"]["stampData"])[:6] == b"SIMPLE"


def test_a_night_whose_images_are_gone_is_told_without_pictures() -> None:
    made = scene()
    difference, model_run, _ = searched(made, PIPELINE)
    with made.services.transaction() as records:
        image = records.difference_runs.get(difference).image
    assert image is not None
    del made.artifacts.stored[image.digest]
    (message,) = told(made, model_run)
    assert message.stamps is None
