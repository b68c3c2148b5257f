"""Which coadd an exposure is compared with, and which exposures belong into one coadd."""

from collections.abc import Sequence

from astrid_core.differencing.config import DifferenceConfig
from astrid_core.differencing.entities import ReferenceImage
from astrid_core.differencing.leave_out import LeaveOut
from astrid_core.observations.entities import Observation
from astrid_core.shared.errors import NoReference
from astrid_core.shared.sky import separation_arcsec


def choose_reference(
    observation: Observation, references: Sequence[ReferenceImage], config: DifferenceConfig
) -> ReferenceImage:
    """Return the reference that ``observation`` is compared with, or raise NoReference.

    It must not contain the observation's own night. Its own band goes before a compatible one, its own survey before
    another, its own instrument before another, one of enough exposures before a thin one, the nearest pointing (in
    steps of a quarter field) before a farther one, one that was built to be compared with it before one that leaves
    nothing out, and that before one that was built for others, the newest version before older.
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

    def rank(reference: ReferenceImage) -> tuple[int, bool, bool, bool, int, int, int, str]:
        away = separation_arcsec(observation.position, reference.position) / 3600.0 / max(observation.radius_deg, 1e-6)
        return (
            bands[reference.band],
            reference.survey != observation.survey,
            reference.instrument != observation.instrument,
            reference.is_thin,
            int(away * 4.0),
            0 if LeaveOut.concerns(reference.leaves_out, observation) else 1 + bool(reference.leaves_out),
            -reference.version,
            reference.digest,
        )

    return min(eligible, key=rank)


def group_pointings(observations: Sequence[Observation]) -> tuple[tuple[Observation, ...], ...]:
    """Split exposures into groups whose centres lie within half a field of the group's first (the earliest)."""
    groups: list[list[Observation]] = []
    for observation in sorted(observations, key=lambda one: (one.mid_mjd, one.id)):
        for group in groups:
            apart = separation_arcsec(group[0].position, observation.position) / 3600.0
            if apart < 0.5 * min(group[0].radius_deg, observation.radius_deg):
                group.append(observation)
                break
        else:
            groups.append([observation])
    return tuple(tuple(group) for group in groups)
