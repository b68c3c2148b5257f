"""Contract of CatalogEntries, NightAnalytics and ExportJobs."""

from dataclasses import replace

import pytest

from astrid_core.catalog.entities import Analytics, EntryStatus, ExportJob, Motion
from astrid_core.shared.errors import UnknownRecord
from astrid_core.shared.runs import RunKey
from astrid_core.shared.sky import Region
from tests.adapters.databases import AnyDatabase, SqlDatabase
from tests.adapters.invented import MID_MJD, artifact, entry, observation, point, position


def test_an_entry_comes_back_bit_for_bit(database: AnyDatabase) -> None:
    with database.transaction() as records:
        records.catalog.put(entry())
    with database.transaction() as records:
        assert records.catalog.get(entry().id) == entry()


def test_what_has_been_learnt_about_an_entry_replaces_what_was_known(database: AnyDatabase) -> None:
    learnt = replace(entry(), position=position(11.0, 41.0), n_detections=3, status=EntryStatus.CONFIRMED)
    with database.transaction() as records:
        records.catalog.lock()
        records.catalog.put(entry())
        assert records.catalog.get(entry().id) == entry()
        records.catalog.put(learnt)
        assert records.catalog.get(entry().id) == learnt
        assert records.catalog.search(region=Region.cone(learnt.position, radius_deg=0.001)) == (learnt,)


def test_an_entry_that_is_not_there_is_named(database: AnyDatabase) -> None:
    with database.transaction() as records, pytest.raises(UnknownRecord, match=str(entry(7).id)):
        records.catalog.get(entry(7).id)


def test_entries_are_ordered_by_place_then_id(database: AnyDatabase) -> None:
    places = [position(10.0, 20.0), position(200.0, -60.0), position(10.0, 20.0), position(80.0, 5.0)]
    entries = [entry(9 - number, at=place) for number, place in enumerate(places)]
    with database.transaction() as records:
        for one in entries:
            records.catalog.put(one)
        expected = sorted(entries, key=lambda one: (one.position.hpx29, one.id))
        assert list(records.catalog.search()) == expected
        assert records.catalog.search(region=Region.cone(places[0], radius_deg=1.0)) == (entries[2], entries[0])
        assert records.catalog.search(region=Region.cone(position(300.0, 80.0), radius_deg=1.0)) == ()


def test_a_detection_is_in_one_light_curve_at_a_time(database: AnyDatabase) -> None:
    with database.transaction() as records:
        records.observations.add(observation())
        records.catalog.put(entry())
        records.catalog.put(entry(2))
        records.catalog.put_points([point()])
        records.catalog.put_points([point()])
        assert records.catalog.points([entry().id, entry(2).id]) == (point(),)
        moved = replace(point(), entry_id=entry(2).id)
        records.catalog.put_points([moved])
        assert records.catalog.points([entry().id, entry(2).id]) == (moved,)


def test_light_curves_are_ordered_by_entry_time_and_detection(database: AnyDatabase) -> None:
    first, second = entry(1), entry(2)
    points = [
        point("detect-1:2", of=second),
        point("detect-2:1", of=first, mid_mjd=MID_MJD + 1.0),
        point("detect-1:9", of=first),
        point("detect-1:3", of=first),
    ]
    with database.transaction() as records:
        records.observations.add(observation())
        records.catalog.put(first)
        records.catalog.put(second)
        records.catalog.put_points(points)
    with database.transaction() as records:
        assert records.catalog.points([second.id, first.id]) == (points[3], points[2], points[1], points[0])
        assert records.catalog.points([second.id]) == (points[0],)
        assert records.catalog.points([]) == ()
        known = records.catalog.published(["detect-1:9", "detect-7:7", "detect-2:1"])
        assert known == {"detect-1:9": first.id, "detect-2:1": first.id}
        assert records.catalog.published([]) == {}


def test_what_a_night_has_measured_is_found_by_survey_and_night(database: AnyDatabase) -> None:
    ours, theirs = observation(), replace(observation(), survey="other")
    with database.transaction() as records:
        records.observations.add(ours)
        records.observations.add(theirs)
        records.catalog.put(entry())
        late = point("detect-1:1", mid_mjd=MID_MJD + 0.1)
        early = point("detect-1:2")
        records.catalog.put_points([late, early, replace(point("detect-2:1"), observation_id=theirs.id)])
        assert records.catalog.points_of_night(ours.survey, ours.night) == (early, late)
        assert records.catalog.points_of_night(ours.survey, "1999-01-01") == ()


def test_moving_objects_are_found_by_the_time_in_which_they_were_seen(database: AnyDatabase) -> None:
    motion = Motion(rate_arcsec_h=30.0, angle_deg=270.0)
    moving = replace(entry(2), motion=motion, first_mjd=MID_MJD, last_mjd=MID_MJD + 1.0)
    gone = replace(entry(3), motion=motion, status=EntryStatus.WITHDRAWN, successor=moving.id)
    with database.transaction() as records:
        for one in (entry(), moving, gone):
            records.catalog.put(one)
    with database.transaction() as records:
        assert records.catalog.moving(from_mjd=MID_MJD + 1.0, to_mjd=MID_MJD + 2.0) == (moving,)
        assert records.catalog.moving(from_mjd=MID_MJD + 1.1, to_mjd=MID_MJD + 2.0) == ()
        assert records.catalog.moving(from_mjd=MID_MJD - 2.0, to_mjd=MID_MJD - 0.1) == ()


def test_a_withdrawn_object_is_kept_but_not_found_on_the_sky(database: AnyDatabase) -> None:
    gone = replace(entry(3), status=EntryStatus.WITHDRAWN, successor=entry(2).id)
    with database.transaction() as records:
        records.catalog.put(gone)
        assert records.catalog.get(gone.id) == gone
        assert records.catalog.search() == ()


def test_pages_hold_what_a_search_finds_in_its_order(database: AnyDatabase) -> None:
    entries = [
        replace(entry(number), position=position((number * 73.0) % 360.0, -80.0 + 2.0 * number))
        for number in range(1, 80)
    ]
    region = Region.parse("polygon(350 -40, 60 -40, 60 60, 350 60)")
    with database.transaction() as records:
        for one in entries:
            records.catalog.put(one)
    with database.transaction() as records:
        records.catalog.hold_still()
        for chosen in (None, region, Region.cone(position(10.0, 80.0), radius_deg=60.0)):
            found = [one for page in records.catalog.pages(region=chosen) for one in page]
            assert found == list(records.catalog.search(region=chosen))
            assert found
            # While a page is looked at, others are asked for what belongs to it.
            for page in records.catalog.pages(region=chosen):
                assert records.catalog.points([one.id for one in page]) == ()


def test_who_holds_still_does_not_see_what_others_write_meanwhile(sql_database: SqlDatabase) -> None:
    with sql_database.transaction() as records:
        records.catalog.put(entry(1))
    with sql_database.transaction() as records:
        records.catalog.hold_still()
        assert len(records.catalog.search()) == 1
        with sql_database.transaction() as others:
            others.catalog.put(entry(2))
            others.catalog.put(replace(entry(1), n_detections=9))
        assert records.catalog.search() == (entry(1),)
    with sql_database.transaction() as records:
        assert len(records.catalog.search()) == 2


def test_facts_of_a_night_are_recorded_once(database: AnyDatabase) -> None:
    facts = {"n": 3, "ratio": 0.1 + 0.2, "none": None, "list": [1, {"deep": "\u00e4"}], "huge": 1e300}
    analytics = Analytics(key=RunKey("report-1"), survey="demo", night="2026-03-01", facts=facts)
    with database.transaction() as records:
        assert records.analytics.find(analytics.key) is None
        assert records.analytics.add(analytics)
        assert not records.analytics.add(replace(analytics, facts={}))
    with database.transaction() as records:
        assert records.analytics.find(analytics.key) == analytics


def test_an_extract_is_recorded_once(database: AnyDatabase) -> None:
    job = ExportJob(
        key=RunKey("export-1"), files={"entries.ecsv": artifact(1), "points.csv": artifact(2)}, n_entries=3, n_points=9
    )
    with database.transaction() as records:
        assert records.exports.find(job.key) is None
        assert records.exports.add(job)
        assert not records.exports.add(replace(job, n_entries=4))
    with database.transaction() as records:
        assert records.exports.find(job.key) == job
