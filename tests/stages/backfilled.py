"""A night that a bad recipe searched and published; a good one has come since."""

from collections.abc import Sequence
from dataclasses import replace

from astrid_core.bootstrap import Pipeline
from astrid_core.catalog.entities import CatalogEntry
from astrid_core.shared.sky import SkyPosition, separation_arcsec
from astrid_core.stages.backfill import Backfill, compare_backfill, nights_in_range, plan_backfill
from astrid_core.stages.chain import Recipe
from astrid_core.stages.detect import run_detect
from astrid_core.stages.difference import run_difference
from astrid_core.stages.preprocess import run_preprocess
from astrid_core.stages.publish import run_publish
from astrid_core.stages.remeasure import Remeasured
from tests.stages.scene import CENTRE, NEW, NIGHT, SHAPE, Scene, exposure, scene
from tests.stages.searched import searched
from tests.synthetic.fields import Source, wcs

FAINT = Source(x_pix=90.3, y_pix=210.6, flux=1000.0)
"""What the bad recipe does not see."""
NAMES = ("b", "c")


class Night:
    """Exposures with a bright and a faint new star, searched and published with a threshold that is too high."""

    def __init__(self, pipeline: Pipeline) -> None:
        bad = replace(pipeline, difference=replace(pipeline.difference, threshold_sigma=15.0))
        self.pipeline = pipeline
        more = {
            f"{NIGHT}/{name}.fits": exposure(NIGHT, seed=20 + number, extra=[NEW, FAINT], fwhm=3.2)
            for number, name in enumerate(NAMES)
        }
        self.made: Scene = scene(**more)
        _, _, model = searched(self.made, bad)
        self.bad, self.good = bad.recipe(model), pipeline.recipe(model)
        self.search(self.bad)
        run_publish(self.made.services, "demo", NIGHT, self.pipeline.publish, self.planned(self.bad).scored)

    def search(self, recipe: Recipe) -> None:
        for one in self.planned(recipe).pending:
            prepared = run_preprocess(self.made.services, one, recipe.preparation)
            subtracted = run_difference(self.made.services, prepared, recipe.difference)
            run_detect(self.made.services, subtracted, recipe.model.id, recipe.detect)

    def planned(self, recipe: Recipe) -> Backfill:
        nights = nights_in_range(self.made.services, "demo", first=NIGHT, last=NIGHT)
        return plan_backfill(self.made.services, recipe, survey="demo", nights=nights)

    def entries(self) -> Sequence[CatalogEntry]:
        with self.made.services.transaction() as records:
            return records.catalog.search()

    def compare(self) -> Remeasured:
        return compare_backfill(self.made.services, self.planned(self.good), self.pipeline.publish)


def is_at(entry: CatalogEntry, source: Source) -> bool:
    sky = wcs(SHAPE, centre=CENTRE).pixel_to_world(source.x_pix, source.y_pix)
    place = SkyPosition(ra_deg=float(sky.ra.deg), dec_deg=float(sky.dec.deg))
    return separation_arcsec(entry.position, place) < 1.5
