"""All or nothing, alone and in a crowd, and when the process is killed."""

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from threading import Barrier

import pytest
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from astrid_core.adapters.db.engine import open_engine
from astrid_core.adapters.db.repositories.catalog import SqlCatalogEntries
from astrid_core.adapters.db.rows.catalog import CatalogEntryRow
from astrid_core.shared.errors import Unprocessable
from astrid_core.shared.runs import RunKey
from tests.adapters.databases import AnyDatabase, SqlDatabase
from tests.adapters.invented import (
    candidate,
    difference_run,
    entry,
    model_run,
    observation,
    position,
    preprocess_run,
    record_difference,
)

KILLED_HALF_WAY = """
import sys, time
from tests.adapters.databases import SqlDatabase
from tests.adapters.invented import entry, record_difference
with SqlDatabase(sys.argv[1]).transaction() as records:
    record_difference(records)
    records.catalog.put(entry())
    records.events.append("difference.recorded", subject="a")
    print("half way", flush=True)
    time.sleep(600.0)
"""


def assert_empty(database: AnyDatabase) -> None:
    with database.transaction() as records:
        assert records.observations.search() == ()
        assert records.preprocess_runs.find(preprocess_run().key) is None
        assert records.references.search() == ()
        assert records.difference_runs.find(difference_run().key) is None
        assert records.model_runs.find(model_run().key) is None
        assert records.catalog.search() == ()
        assert list(records.events.all()) == []


def test_an_error_leaves_nothing_behind(database: AnyDatabase) -> None:
    with suppress(Unprocessable), database.transaction() as records:
        record_difference(records)
        records.model_runs.add(model_run())
        records.catalog.put(entry())
        records.events.append("difference.recorded", subject="a")
        raise Unprocessable("no candidate is left")
    assert_empty(database)


def test_a_transaction_sees_what_it_wrote_itself(database: AnyDatabase) -> None:
    with database.transaction() as records:
        record_difference(records)
        assert records.difference_runs.get(difference_run().key) == difference_run()
        assert records.observations.get(observation().id) == observation()


def test_a_row_is_read_anew_even_while_somebody_holds_it(sql_url: str) -> None:
    engine = open_engine(sql_url)
    with Session(engine) as session:
        catalog = SqlCatalogEntries(session)
        catalog.put(entry())
        held = session.get_one(CatalogEntryRow, entry().id)
        catalog.put(replace(entry(), n_detections=9))
        assert catalog.get(entry().id).n_detections == 9
        assert held.n_detections == 9
    engine.dispose()


def test_a_process_killed_half_way_leaves_nothing_and_holds_nobody_up(sql_url: str) -> None:
    with subprocess.Popen([sys.executable, "-c", KILLED_HALF_WAY, sql_url], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "half way\n"
        child.send_signal(signal.SIGKILL)
        assert child.wait(timeout=30.0) == -signal.SIGKILL
    database = SqlDatabase(sql_url)
    assert_empty(database)
    with database.transaction() as records:
        record_difference(records)
        assert records.events.append("difference.recorded", subject="a").sequence == 1
    database.close()


def test_a_run_without_what_it_stands_on_is_refused(sql_database: SqlDatabase) -> None:
    with pytest.raises(IntegrityError), sql_database.transaction() as records:
        records.difference_runs.add(difference_run())
    assert_empty(sql_database)


def test_of_many_who_add_the_same_run_at_once_one_is_told_that_it_is_new(sql_database: SqlDatabase) -> None:
    with sql_database.transaction() as records:
        record_difference(records)
    start = Barrier(8)

    def add(number: int) -> bool:
        run = difference_run(RunKey("difference-2"))
        start.wait(timeout=30.0)
        with sql_database.transaction() as records:
            is_new = records.difference_runs.add(replace(run, elapsed_s=float(number)))
            if is_new:
                records.events.append("difference.recorded", subject=run.key)
        return is_new

    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(add, range(8)))
    assert told.count(True) == 1
    with sql_database.transaction() as records:
        run = records.difference_runs.get(RunKey("difference-2"))
        assert run.elapsed_s == float(told.index(True))
        assert len(run.candidates) == 2
        assert len(list(records.events.all())) == 1


def test_publishers_take_turns(sql_database: SqlDatabase) -> None:
    with sql_database.transaction() as records:
        records.catalog.put(replace(entry(), n_detections=0))

    def publish(_: int) -> None:
        with sql_database.transaction() as records:
            records.observations.search()
            records.catalog.lock()
            known = records.catalog.get(entry().id)
            records.catalog.put(replace(known, n_detections=known.n_detections + 1))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(publish, range(40)))
    with sql_database.transaction() as records:
        assert records.catalog.get(entry().id).n_detections == 40


def test_whoever_only_reads_holds_up_no_writer_and_may_still_write(sql_database: SqlDatabase) -> None:
    with sql_database.transaction() as reading:
        assert reading.observations.search() == ()
        with sql_database.transaction() as writing:
            writing.observations.add(observation(1))
        reading.observations.add(observation(2))
    with sql_database.transaction() as records:
        assert records.observations.search() == (observation(1), observation(2))


def test_nobody_sees_what_is_not_committed(sql_database: SqlDatabase) -> None:
    with sql_database.transaction() as writing:
        writing.observations.add(observation())
        with sql_database.transaction() as reading:
            assert reading.observations.search() == ()
    with sql_database.transaction() as records:
        assert records.observations.search() == (observation(),)


def test_twenty_thousand_candidates_come_back(sql_database: SqlDatabase) -> None:
    crowd = [candidate(number, at=position(0.018 * (number - 1), 41.0)) for number in range(1, 20_001)]
    run = difference_run(candidates=crowd)
    with sql_database.transaction() as records:
        record_difference(records, run)
        records.model_runs.add(model_run(of=run))
    with sql_database.transaction() as records:
        assert records.difference_runs.get(run.key) == run
        assert records.model_runs.get(model_run().key) == model_run(of=run)
        assert records.model_runs.detection("detect-1:20000").candidate == crowd[-1]
