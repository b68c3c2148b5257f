"""What the API tells of a night, against the records themselves."""

from pathlib import Path

import numpy as np
import pytest

from astrid_core.curation.access import Role
from astrid_core.differencing.products import read_difference
from astrid_core.settings import Settings
from astrid_core.shared.runs import RunKey
from astrid_core.stages.access import grant_role
from astrid_core.stages.release import run_release
from tests.adapters.databases import SqlDatabase
from tests.api.client import Client, named
from tests.api.night import services_in, url_of
from tests.stages.scene import NIGHT

LISTS = (
    "/surveys", "/observations", "/runs", "/candidates", "/detections", "/alerts", "/catalog", "/exports",
    "/analytics", "/nights",
)  # fmt: skip


@pytest.mark.parametrize("path", LISTS)
def test_every_list_has_something_of_the_night(client: Client, path: str) -> None:
    answer = client.get(path)

    assert answer.status_code == 200, answer.text
    assert answer.json()["items"]


@pytest.mark.parametrize("path", [path for path in LISTS if path != "/surveys"])
def test_pages_of_one_add_up_to_the_list(client: Client, path: str) -> None:
    whole = client.get(path).json()["items"]
    pages, after = [], None
    while True:
        page = client.get(path, params={"limit": 1} | ({"after": after} if after else {})).json()
        pages += page["items"]
        after = page["next"]
        if after is None:
            break

    assert pages == whole
    assert len(pages) < 200


def test_a_detection_is_told_as_it_is_recorded(client: Client, home: Path) -> None:
    told = client.get("/detections").json()["items"][0]
    database = SqlDatabase(url_of(home))
    with database.transaction() as records:
        kept = records.model_runs.detection(told["id"])
        difference = records.difference_runs.get(kept.candidate.run)
        prepared = records.preprocess_runs.get(difference.preprocess_key)
    database.close()
    one = client.get(f"/detections/{told['id']}").json()

    assert one["opinion"]["score"] == kept.score
    assert (one["x_pix"], one["significance"], one["flux"]) == (
        kept.candidate.x_pix,
        kept.candidate.score,
        kept.candidate.flux,
    )
    assert one["night"] == NIGHT
    assert difference.image is not None
    assert prepared.image is not None
    assert one["provenance"]["difference_digest"] == difference.image.digest
    assert one["provenance"]["reference_digests"] == list(difference.reference_digests)
    assert one["provenance"]["science_digest"] == prepared.image.digest
    assert len(one["provenance"]["model_digest"]) == 64
    assert {name: value for name, value in one.items() if name != "provenance"} == {
        name: value for name, value in told.items() if name != "provenance"
    }


def test_filters_narrow(client: Client) -> None:
    all_ids = {one["id"]: one["opinion"]["score"] for one in client.get("/detections").json()["items"]}
    some = client.get("/detections", params={"min_score": 0.9, "night": NIGHT, "survey": "demo", "band": "r"}).json()

    assert {one["id"] for one in some["items"]} == {one for one, score in all_ids.items() if (score or 0.0) >= 0.9}
    assert client.get("/detections", params={"night": "1999-01-01"}).json()["items"] == []
    assert client.get("/observations", params={"status": "searched"}).json()["items"][0]["night"] == NIGHT
    assert len(client.get("/observations", params={"status": "waiting"}).json()["items"]) == 2


def test_pixels_are_those_of_the_difference_with_north_up(client: Client, home: Path) -> None:
    one = client.get("/detections").json()["items"][0]
    answer = client.get(f"/detections/{one['id']}/pixels", params={"half_pix": 15, "planes": "4"})
    stamp = np.frombuffer(answer.content, dtype="<f4").reshape(
        [int(n) for n in answer.headers["x-astrid-shape"].split(",")]
    )
    digest = one["provenance"]["difference_digest"]
    product = read_difference((home / "artifacts" / "sha256" / digest[:2] / digest[2:4] / digest).read_bytes())
    x, y = round(one["x_pix"]), round(one["y_pix"])
    box = (slice(y - 15, y + 16), slice(x - 15, x + 16))
    assert answer.headers["x-astrid-shape"] == "4,31,31"
    # The frame has north up and east left: only the order of its lines differs.
    for plane, name in zip(stamp, answer.headers["x-astrid-planes"].split(","), strict=True):
        assert np.array_equal(plane, getattr(product, name)[box][::-1], equal_nan=True)
    assert answer.headers["x-astrid-orientation"].startswith("sky; north=up; east=left; off_deg=")
    assert float(answer.headers["x-astrid-scale-arcsec"]) > 0.0


def test_pixels_beyond_the_edge_are_no_numbers(client: Client) -> None:
    items = client.get("/detections").json()["items"]
    at_edge = min(items, key=lambda one: one["x_pix"])
    answer = client.get(f"/detections/{at_edge['id']}/pixels", params={"half_pix": 31})
    stamp = np.frombuffer(answer.content, dtype="<f4").reshape(3, 63, 63)

    assert at_edge["x_pix"] < 20
    assert np.isnan(stamp[:, :, 0]).all()
    assert np.isfinite(stamp[:, 31, 31]).all()


def test_what_the_client_has_is_not_sent_again(client: Client) -> None:
    one = client.get("/detections").json()["items"][0]
    for path in (
        f"/detections/{one['id']}",
        f"/detections/{one['id']}/pixels",
        f"/observations/{one['observation_id']}",
    ):
        first = client.get(path)
        again = client.get(path, headers={"If-None-Match": first.headers["etag"]})
        changed = client.get(path, headers={"If-None-Match": '"something"'})

        assert (again.status_code, again.content) == (304, b"")
        assert changed.status_code == 200


def test_a_light_curve_has_the_point_and_the_limits_of_its_place(client: Client) -> None:
    known = client.get("/catalog").json()["items"][0]["id"]
    published = {one["detection_id"] for one in client.get(f"/catalog/{known}").json()["points"]}
    curve = client.get(f"/detections/{min(published)}/lightcurve").json()

    assert curve["entry_id"]
    assert [point["detection_id"] for point in curve["points"]] == [min(published)]
    assert client.get(f"/catalog/{curve['entry_id']}").json()["points"] == curve["points"]


def test_a_light_curve_holds_what_was_measured_at_its_place(client: Client) -> None:
    known = client.get("/catalog").json()["items"][0]["id"]
    published = {one["detection_id"] for one in client.get(f"/catalog/{known}").json()["points"]}
    curve = client.get(f"/detections/{min(published)}/lightcurve").json()
    forced = client.get(f"/catalog/{curve['entry_id']}/lightcurve").json()
    (point,) = forced["points"]

    assert curve["forced"] == forced["points"]
    assert forced["entry_id"] == curve["entry_id"]
    assert point["flux"] == pytest.approx(curve["points"][0]["flux"], rel=5e-3)
    assert point["mag_ab"] == pytest.approx(curve["points"][0]["mag_ab"], abs=5e-3)
    assert point["limit_mag_ab"] is None
    assert {one["observation_id"] for one in curve["limits"]}.isdisjoint({point["observation_id"]})
    assert client.get("/catalog/00000000-0000-0000-0000-000000000001/lightcurve").status_code == 404


def test_neighbours_are_sorted_by_distance(client: Client) -> None:
    one = client.get("/detections").json()["items"][0]
    near = client.get(f"/detections/{one['id']}/neighbours", params={"radius_arcsec": 600}).json()
    distances = [other["separation_arcsec"] for other in near["detections"]]

    assert len(distances) >= 4
    assert distances == sorted(distances)
    assert one["id"] not in {other["id"] for other in near["detections"]}


def test_its_own_object_is_no_neighbour_of_a_detection(client: Client) -> None:
    one = client.get("/detections").json()["items"][0]
    near = client.get(f"/detections/{one['id']}/neighbours", params={"radius_arcsec": 600}).json()
    own = client.get(f"/catalog/{near['entry_id']}").json()["points"]

    assert near["entry_id"] not in {other["id"] for other in near["objects"]}
    assert [one["detection_id"] for one in near["history"]] == [
        point["detection_id"] for point in own if point["detection_id"] != one["id"]
    ]
    assert all(earlier["separation_arcsec"] < 2.0 for earlier in near["history"])


def test_a_night_tells_what_it_covered(client: Client) -> None:
    night = client.get(f"/nights/{NIGHT}").json()

    assert len(night["exposures"]) == 1
    assert night["exposures"][0]["status"] == "searched"
    assert night["cells"][0]["n_observations"] == 1
    assert night["cells"][0]["depth_mag"] == night["exposures"][0]["depth_mag"]


def test_what_does_not_exist_is_not_found(client: Client) -> None:
    for path in ("/detections/detect-0:1", "/detections/x:99999999999999999999", "/observations/no:thing",
                 f"/artifacts/{'0' * 64}", "/catalog/00000000-0000-0000-0000-000000000000", "/nowhere"):  # fmt: skip
        answer = client.get(path)
        assert answer.status_code == 404, path
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["instance"].endswith(answer.headers["x-request-id"])


def test_the_log_is_for_auditors(client: Client) -> None:
    assert client.get("/audit").status_code == 403
    found = client.get("/audit", headers=named("olga", "admin")).json()["items"]
    sequences = [one["sequence"] for one in found]

    assert sequences == sorted(sequences, reverse=True)


def test_an_extract_is_public_once_a_second_person_has_released_it(client: Client, home: Path) -> None:
    key = client.get("/exports").json()["items"][0]["key"]
    assert not client.get("/exports").json()["items"][0]["is_released"]
    with services_in(Settings(home=home)) as services:
        grant_role(services, login="otto", role=Role.DATA_RELEASE)
        run_release(services, RunKey(key), login="otto", requested_by="vera", reason="complete")

    assert client.get("/exports").json()["items"][0]["is_released"]
