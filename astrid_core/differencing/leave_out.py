"""What is kept out of a reference on purpose."""

from dataclasses import dataclass

from astrid_core.observations.entities import Observation


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaveOut:
    """Nights, single exposures, and everything from a time on, that must not be in a reference."""

    nights: frozenset[str] = frozenset()
    observation_ids: frozenset[str] = frozenset()
    before_mjd: float | None = None
    """Only exposures whose middle lies before it are used; None for no such date."""

    def allows(self, observation: Observation) -> bool:
        """Tell whether an exposure may go into the reference."""
        return (
            observation.night not in self.nights
            and observation.id not in self.observation_ids
            and (self.before_mjd is None or observation.mid_mjd < self.before_mjd)
        )

    @staticmethod
    def concerns(text: str, observation: Observation) -> bool:
        """Tell whether ``text`` of a reference says that it was built without this exposure, or without its night."""
        parts = text.split("; ")
        dates = [float(part.split()[2]) for part in parts if part.startswith("from MJD ")]
        return (
            f"night {observation.night}" in parts
            or f"exposure {observation.id}" in parts
            or any(observation.mid_mjd >= date for date in dates)
        )

    @property
    def text(self) -> str:
        """What is left out, in one line that is always the same; empty for nothing."""
        parts = [f"night {night}" for night in sorted(self.nights)]
        parts += [f"exposure {name}" for name in sorted(self.observation_ids)]
        if self.before_mjd is not None:
            parts.append(f"from MJD {self.before_mjd!r} on")
        return "; ".join(parts)
