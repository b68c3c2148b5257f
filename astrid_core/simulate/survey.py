"""A whole survey on disk: exposures of several nights, and the truth about them."""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from astrid_core.shared.errors import BadConfiguration
from astrid_core.simulate.config import VERSION, SurveyConfig
from astrid_core.simulate.defects import draw_faults
from astrid_core.simulate.depth import ordinary_depth
from astrid_core.simulate.events import add_events
from astrid_core.simulate.exposure import Exposed, expose
from astrid_core.simulate.files import exposure_to_fits, write_whole
from astrid_core.simulate.known import Known, known_changes, known_constant, known_marks, truth_table
from astrid_core.simulate.plans import draw_centre, plan_exposure
from astrid_core.simulate.population import Canvas, FieldSky, draw_constant_sky
from astrid_core.simulate.schedule import Visit, change_mjd, field_names, night_middles, schedule
from astrid_core.simulate.seeds import generator

MANIFEST = "survey.json"
TRUTH = "truth.ecsv"


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveySummary:
    """What lies in the folder of a simulated survey."""

    is_new: bool
    """False where the same survey was there already."""
    exposures: tuple[str, ...]
    """Paths of the files, relative to the folder."""
    last_night: str
    n_objects: Mapping[str, int]
    """Number of objects by kind; empty where the survey was there already."""
    n_bright: int
    """Transients predicted at S/N 8 or more in at least one exposure of the last night."""


def simulate_survey(
    config: SurveyConfig, out: Path, *, progress: Callable[[str], None] = lambda _: None
) -> SurveySummary:
    """Write a survey into ``out``: ``<night>/<field>_<band>_<n>.fits``, truth.ecsv and survey.json.

    A folder that holds this survey is left as it is, and completed where it was cut off; BadConfiguration is raised
    where it holds anything else. The same settings give the same bytes.
    """
    visits = schedule(config)
    if _is_there(config, out, visits):
        return SurveySummary(
            is_new=False,
            exposures=tuple(visit.path for visit in visits),
            last_night=visits[-1].night,
            n_objects={},
            n_bright=0,
        )
    manifest = {"version": VERSION, "digest": config.digest, "config": asdict(config)}
    write_whole(out / MANIFEST, (json.dumps(manifest, indent=2, sort_keys=True) + "\n").encode())
    known: list[Known] = []
    for name in field_names(config):
        ours = [visit for visit in visits if visit.field_name == name]
        known += _simulate_field(config, name, ours, out, progress)
    write_whole(out / TRUTH, truth_table(known))
    return _summary(visits, known)


def canvas_of(config: SurveyConfig, name: str) -> Canvas:
    """Return the frame of a field on which its sky is drawn."""
    return Canvas(
        seed=config.seed,
        name=name,
        centre=draw_centre(config.seed, name),
        shape=(config.side_pix, config.side_pix),
        camera=config.camera,
        depth=ordinary_depth(config.camera, config.conditions),
    )


def _is_there(config: SurveyConfig, out: Path, visits: Sequence[Visit]) -> bool:
    """Tell whether ``out`` holds this survey, complete; refuse a folder that holds anything else."""
    if not out.exists():
        return False
    if not out.is_dir():
        raise NotADirectoryError(f"{out}: not a folder")
    try:
        digest = json.loads((out / MANIFEST).read_text())["digest"]
    except FileNotFoundError:
        if any(out.iterdir()):
            raise BadConfiguration("folder is not empty and holds no simulated survey", folder=out) from None
        return False
    except (ValueError, KeyError, TypeError) as error:
        raise BadConfiguration("survey.json cannot be read", folder=out, cause=str(error)) from error
    if digest != config.digest:
        raise BadConfiguration(
            "folder holds a survey with other settings", folder=out, has=str(digest)[:12], asked=config.digest[:12]
        )
    # The truth is written last: with it, and every file in its place, the survey is complete.
    return (out / TRUTH).exists() and all((out / visit.path).exists() for visit in visits)


def _simulate_field(
    config: SurveyConfig, name: str, visits: Sequence[Visit], out: Path, progress: Callable[[str], None]
) -> list[Known]:
    canvas = canvas_of(config, name)
    sky = add_events(
        draw_constant_sky(canvas, config.sky),
        canvas,
        config.sky,
        change_mjd=change_mjd(config),
        night_mjd=night_middles(config),
    )
    taken = []
    for visit in visits:
        exposed = _take(config, canvas, sky, visit)
        write_whole(out / visit.path, exposure_to_fits(exposed, object_name=name, band=config.band))
        taken.append((visit, exposed))
        progress(
            f"{visit.path}: FWHM {exposed.plan.optics.fwhm_pix:.1f} pix, sky {exposed.plan.sky_light.level_adu:.0f} ADU"
        )
    marks = [one for visit, exposed in taken for one in known_marks(visit, exposed)]
    return [*known_changes(sky, taken), *known_constant(sky, canvas.depth, config.camera.zero_point_mag), *marks]


def _take(config: SurveyConfig, canvas: Canvas, sky: FieldSky, visit: Visit) -> Exposed:
    # One detector takes all exposures: its faults do not depend on the field.
    faults = draw_faults(generator(config.seed, "detector"), config.camera, canvas.shape)
    plan = plan_exposure(
        canvas,
        visit.night,
        visit.number,
        begin_mjd=visit.begin_mjd,
        conditions=config.conditions,
        faults=faults,
    )
    return expose(sky, plan)


def _summary(visits: Sequence[Visit], known: Sequence[Known]) -> SurveySummary:
    last = {visit.path for visit in visits if visit.is_searched}
    kinds = {one.row.object_id: one.row.kind for one in known}
    bright = {
        one.row.object_id
        for one in known
        if one.row.kind == "transient" and one.row.exposure in last and abs(one.row.predicted_snr or 0.0) >= 8.0
    }
    return SurveySummary(
        is_new=True,
        exposures=tuple(visit.path for visit in visits),
        last_night=visits[-1].night,
        n_objects=dict(sorted(Counter(kinds.values()).items())),
        n_bright=len(bright),
    )
