"""Which references an exposure is compared with."""

from collections.abc import Callable, Sequence

from astrid_core.differencing.config import DifferenceConfig
from astrid_core.differencing.entities import ReferenceImage
from astrid_core.differencing.leave_out import LeaveOut
from astrid_core.differencing.template import can_join
from astrid_core.observations.compatibility import ReferenceClass
from astrid_core.observations.entities import Observation
from astrid_core.shared.errors import NoReference
from astrid_core.shared.sky import separation_arcsec

Rank = Callable[[ReferenceImage], tuple[int, bool, bool, bool, int, int, int, str]]


def choose_references(
    observation: Observation, references: Sequence[ReferenceImage], config: DifferenceConfig
) -> tuple[ReferenceImage, ...]:
    """Return the references that ``observation`` is compared with, that of its middle first, or raise NoReference.

    None may contain the observation's own night. Its own band goes before a compatible one, its own survey before
    another, its own instrument before another, one of enough exposures before a thin one, that of the cell in the
    middle of the exposure before others (in steps of a quarter field), one that was built to be compared with it before
    one that leaves nothing out, and that before one that was built for others, the newest version before older. The
    other cells that the exposure touches add the best one of each on the same grid whose flux scale can be joined.
    """
    bands = {observation.band: 0}
    for one, other in config.compatible_bands:
        if observation.band in (one, other):
            bands.setdefault(other if observation.band == one else one, 1)
    eligible = [
        reference
        for reference in references
        if reference.band in bands
        and observation.night not in reference.nights
        and separation_arcsec(observation.position, reference.position) / 3600.0
        < observation.radius_deg + reference.radius_deg
    ]
    if not eligible:
        raise NoReference(
            "no reference from another night covers it; build one",
            band=observation.band,
            night=observation.night,
            n_references_near=len(references),
        )
    rank = _rank(observation, bands)
    first = min(eligible, key=rank)
    return (first, *_around(first, eligible, rank))


def _around(first: ReferenceImage, eligible: Sequence[ReferenceImage], rank: Rank) -> list[ReferenceImage]:
    """Return the best reference of every other cell on the grid of the first."""
    if first.reference_class is ReferenceClass.B:
        return []
    best: dict[str, ReferenceImage] = {}
    for reference in sorted(eligible, key=rank):
        alike = (
            (reference.survey, reference.instrument, reference.band, reference.family)
            == (first.survey, first.instrument, first.band, first.family)
            and reference.cell != first.cell
            and can_join(reference, first)
        )
        if alike:
            best.setdefault(str(reference.cell), reference)
    return [best[cell] for cell in sorted(best)]


def _rank(observation: Observation, bands: dict[str, int]) -> Rank:
    def rank(reference: ReferenceImage) -> tuple[int, bool, bool, bool, int, int, int, str]:
        away = separation_arcsec(observation.position, reference.position) / 3600.0 / max(observation.radius_deg, 1e-6)
        is_middle = reference.reference_class is ReferenceClass.A and reference.cell.holds(observation.position)
        return (
            bands[reference.band],
            reference.survey != observation.survey,
            reference.instrument != observation.instrument,
            reference.is_thin,
            0 if is_middle else 1 + int(away * 4.0),
            0 if LeaveOut.concerns(reference.leaves_out, observation) else 1 + bool(reference.leaves_out),
            -reference.version,
            reference.digest,
        )

    return rank
