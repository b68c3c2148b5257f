"""What a night costs, from what an exposure costs: formulas only, no clock, no database, no files."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from include.batches import batches

SECONDS_PER_HOUR = 3600.0
TIB = 2.0**40
NIGHTS_PER_YEAR = 365
EVENTS = "domain_event"
"""The table of the log."""
LISTED_AT_ONCE = 1000
"""Objects that S3 names in one answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A quantity per exposure: so much whatever its size, and so much for each megapixel."""

    fixed: float
    per_mpix: float

    def at(self, mpix: float) -> float:
        """Return the quantity for an exposure of ``mpix`` megapixels; never less than nothing."""
        return max(0.0, self.fixed + self.per_mpix * mpix)


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """Requests to S3 behind one call of the artifact store."""

    put: float
    """Of bytes that are new."""
    again: float
    """Of bytes that are there."""
    get: float
    part: float
    contains: float
    size: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What was measured."""

    cpu_s: Mapping[str, Line]
    """Processor seconds of a stage per exposure that goes through it."""
    share: Mapping[str, float]
    """The part of the exposures that goes through a stage; 1 for those that are not named."""
    first_use_s: float
    """Processor seconds of a process before its first exposure is scored: the network is loaded."""
    stored_bytes: Mapping[str, Line]
    """New bytes per exposure by type of artifact."""
    n_objects: Line
    """New artifacts per exposure."""
    calls: Mapping[str, Line]
    """Calls of the artifact store per exposure."""
    requests: Requests
    rows: Mapping[str, Line]
    """New rows per exposure by table."""
    row_bytes: Mapping[str, float]
    """Bytes of a row by table, indexes and all."""
    n_transactions: Line
    tasks_per_night: int
    """Tasks of Airflow that a night has, however many exposures."""
    tasks_per_batch: int
    task_s: float
    """Processor seconds of a task besides its work: start, imports, adapters, and what Airflow does about it."""
    idle_cpu_per_s: float
    """Processor seconds that Airflow's components use each second while nothing is to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A survey."""

    n_exposures: int
    """Of a night."""
    side_pix: int
    n_slots: int = 8
    """Tasks that run at once."""
    hours: float = 8.0
    """In which a night must be through."""

    @property
    def mpix(self) -> float:
        """Megapixels (10^6) of an exposure."""
        return self.side_pix**2 / 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What a plan asks for."""

    cpu_h: float
    """Of a night."""
    n_cores: int
    """Busy all the time, to be through in time."""
    n_batches: int
    batch_h: float
    """What one batch takes on one core: what is lost when it is killed, except for what is on record."""
    n_tasks: int
    airflow_h: float
    """Processor hours of Airflow in the hours of a night, and of tasks besides their work; part of ``cpu_h``."""
    tib_per_year: float
    n_objects_per_year: float
    rows_per_year: float
    database_tib_per_year: float
    n_requests: float
    """To S3, of a night."""
    n_lists: float
    """Requests that list the store once, after a year."""
    n_transactions_per_s: float
    """Of our database, over the hours of a night."""
    n_events_per_s: float


def cpu_of_exposure(costs: Costs, mpix: float) -> float:
    """Return processor seconds of one exposure through all stages."""
    return sum(costs.share.get(stage, 1.0) * line.at(mpix) for stage, line in costs.cpu_s.items())


def predict(costs: Costs, plan: Plan) -> Load:
    """Return what a plan asks for."""
    n, mpix = plan.n_exposures, plan.mpix
    n_batches = len(batches([""] * n, n_slots=plan.n_slots, name=""))
    n_injected = math.ceil(n * costs.share.get("inject", 0.0))
    n_tasks = costs.tasks_per_night + costs.tasks_per_batch * n_batches
    n_injection_batches = len(batches([""] * n_injected, n_slots=plan.n_slots, name=""))
    n_tasks += n_injection_batches
    exposure_s = cpu_of_exposure(costs, mpix)
    first_uses_s = costs.first_use_s * (n_batches + n_injection_batches)
    idle_s = costs.idle_cpu_per_s * plan.hours * SECONDS_PER_HOUR
    airflow_h = (n_tasks * costs.task_s + first_uses_s + idle_s) / SECONDS_PER_HOUR
    cpu_h = n * exposure_s / SECONDS_PER_HOUR + airflow_h
    rows = {table: n * NIGHTS_PER_YEAR * line.at(mpix) for table, line in costs.rows.items()}
    n_objects_per_year = n * NIGHTS_PER_YEAR * costs.n_objects.at(mpix)
    return Load(
        cpu_h=cpu_h,
        n_cores=math.ceil(cpu_h / plan.hours),
        n_batches=n_batches,
        batch_h=n / max(n_batches, 1) * exposure_s / SECONDS_PER_HOUR,
        n_tasks=n_tasks,
        airflow_h=airflow_h,
        tib_per_year=n * NIGHTS_PER_YEAR * sum(line.at(mpix) for line in costs.stored_bytes.values()) / TIB,
        n_objects_per_year=n_objects_per_year,
        rows_per_year=sum(rows.values()),
        database_tib_per_year=sum(number * costs.row_bytes[table] for table, number in rows.items()) / TIB,
        n_requests=n * requests_of_exposure(costs, mpix),
        n_lists=n_objects_per_year / LISTED_AT_ONCE,
        n_transactions_per_s=n * costs.n_transactions.at(mpix) / (plan.hours * SECONDS_PER_HOUR),
        n_events_per_s=n * costs.rows[EVENTS].at(mpix) / (plan.hours * SECONDS_PER_HOUR),
    )


def requests_of_exposure(costs: Costs, mpix: float) -> float:
    """Return requests to S3 behind what one exposure asks of the artifact store."""
    per_call = {
        "put": costs.requests.put, "again": costs.requests.again, "get": costs.requests.get,
        "part": costs.requests.part, "contains": costs.requests.contains, "size": costs.requests.size,
    }  # fmt: skip
    return sum(per_call[name] * line.at(mpix) for name, line in costs.calls.items())


def line_through(small: tuple[float, float], large: tuple[float, float]) -> Line:
    """Return the line through two (megapixels, quantity); ValueError where both are of one size."""
    if small[0] == large[0]:
        message = f"two sizes are needed, not {small[0]} Mpix twice"
        raise ValueError(message)
    per_mpix = (large[1] - small[1]) / (large[0] - small[0])
    return Line(fixed=small[1] - per_mpix * small[0], per_mpix=per_mpix)


def per_exposure(few: tuple[int, float], many: tuple[int, float]) -> float:
    """Return what one exposure more adds, of two nights (exposures, total): what both have in common drops out."""
    if few[0] == many[0]:
        message = f"two numbers of exposures are needed, not {few[0]} twice"
        raise ValueError(message)
    return (many[1] - few[1]) / (many[0] - few[0])
