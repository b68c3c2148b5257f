"""Say what a survey has found over many nights."""

from collections import Counter
from collections.abc import Mapping

from astrid_core.catalog.survey_statistics import MOVING, NightCount, SurveyStatistics, survey_statistics
from astrid_core.differencing.completeness import CANDIDATES, DETECTIONS, EVERYWHERE
from astrid_core.observations.entities import night_of
from astrid_core.shared.runs import RunStatus
from astrid_core.shared.sky import OPERATIONS_ORDER
from astrid_core.stages.night_records import Night
from astrid_core.stages.night_sides import last_report
from astrid_core.stages.services import Records, Services


def statistics_of(
    services: Services, survey: str, *, first_night: str | None = None, last_night: str | None = None
) -> SurveyStatistics:
    """Return the statistics of a survey between two nights, both included; without one of them, of all on that side.

    Objects count as what is thought of them today; withdrawn ones do not count. Nothing is recorded.
    """
    with services.transaction() as records:
        nights = [
            one
            for one in records.observations.nights(survey=survey)
            if (first_night is None or one >= first_night) and (last_night is None or one <= last_night)
        ]
    counts: list[NightCount] = []
    injected: dict[str, tuple[int, int]] = {}
    for night in sorted(nights):
        with services.transaction() as records:
            seen = Night.read(records, survey, night, ())
            counts.append(_count(records, seen, survey, night))
        cells = {runs.observation.id: str(runs.observation.cell(OPERATIONS_ORDER)) for runs in seen.exposures}
        for run in seen.injections:
            curve = run.quality and (run.quality.of(DETECTIONS, EVERYWHERE) or run.quality.of(CANDIDATES, EVERYWHERE))
            if curve:
                n, n_of = injected.get(cells[run.observation_id], (0, 0))
                injected[cells[run.observation_id]] = (n + curve.n_recovered, n_of + curve.n_injected)
    return survey_statistics(survey, counts, injected)


def _count(records: Records, seen: Night, survey: str, night: str) -> NightCount:
    new: Counter[str] = Counter()
    for identity in sorted({point.entry_id for point in records.catalog.points_of_night(survey, night)}):
        entry = records.catalog.get(identity)
        if night_of(entry.first_mjd) == night:
            new[MOVING if entry.motion is not None else entry.status.value] += 1
    searched = [one for one in seen.exposures if one.model_run and one.model_run.status is RunStatus.SUCCEEDED]
    key = last_report(records, survey=survey, night=night)
    stored = records.analytics.find(key) if key else None
    figures = stored.facts.get("figures") if stored else None
    area = figures.get("area_deg2") if isinstance(figures, Mapping) else None
    return NightCount(night=night, n_searched=len(searched), area_deg2=area, new=dict(new))
