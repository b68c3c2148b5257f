"""When each field is exposed, and what the file is called."""

from dataclasses import dataclass
from datetime import date, timedelta

from astrid_core.shared.errors import BadConfiguration
from astrid_core.simulate.config import SurveyConfig

_MJD_ZERO = date(1858, 11, 17)
_DUSK_D = 0.9
"""Time of day, UTC, at which observing begins; nights run from noon to noon."""
_NIGHT_D = 0.55
_OVERHEAD_S = 30.0
_RETURN_D = 0.0125
"""A field is exposed again no sooner than this: asteroids have moved by then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One exposure that is due."""

    field_name: str
    night: str
    number: int
    """Of the exposures of this field in this night, from 1."""
    begin_mjd: float
    path: str
    """Of its file, relative to the folder of the survey."""
    is_searched: bool
    """Taken in the last night."""


def schedule(config: SurveyConfig) -> tuple[Visit, ...]:
    """Return every exposure of a survey in the order in which they are taken; raise BadConfiguration where a night is
    too short for them.
    """
    visits = []
    for number, night in enumerate(_nights(config), start=1):
        is_last = number == config.n_nights
        rounds = config.last_exposures if is_last else config.reference_exposures
        slot_d = (config.camera.exposure_s + _OVERHEAD_S) / 86400.0
        round_d = max(config.n_fields * slot_d, _RETURN_D)
        if rounds * round_d > _NIGHT_D:
            raise BadConfiguration(
                "a night is too short for all exposures", hours=24.0 * rounds * round_d, allowed=24.0 * _NIGHT_D
            )
        for turn in range(rounds):
            for index, name in enumerate(field_names(config)):
                begin_mjd = _mjd(night) + _DUSK_D + turn * round_d + index * slot_d
                path = f"{night.isoformat()}/{name}_{config.band}_{turn + 1}.fits"
                visits.append(
                    Visit(
                        field_name=name,
                        night=night.isoformat(),
                        number=turn + 1,
                        begin_mjd=begin_mjd,
                        path=path,
                        is_searched=is_last,
                    )
                )
    return tuple(visits)


def field_names(config: SurveyConfig) -> tuple[str, ...]:
    """Return the names of the fields."""
    return tuple(f"field{number}" for number in range(1, config.n_fields + 1))


def change_mjd(config: SurveyConfig) -> float:
    """Return the noon before the last night: transients appear or vanish then."""
    return _mjd(_nights(config)[-1]) + 0.5


def night_middles(config: SurveyConfig) -> tuple[float, ...]:
    """Return for each night a time at which asteroids are where they were placed."""
    return tuple(_mjd(night) + _DUSK_D + 0.02 for night in _nights(config))


def _nights(config: SurveyConfig) -> list[date]:
    first = date.fromisoformat(config.first_night)
    return [first + timedelta(days=number * config.cadence_nights) for number in range(config.n_nights)]


def _mjd(day: date) -> float:
    return float((day - _MJD_ZERO).days)
