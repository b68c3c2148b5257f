"""The words by which people say why a detection is real or not: versioned, never deleted."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from astrid_core.curation.entities import Verdict
from astrid_core.shared.errors import UnknownReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One reason for a verdict."""

    code: str
    """As it is stored."""
    title: str
    """As people read it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """The reasons that may be given for each verdict; the order is that of the page."""

    version: int
    reasons: Mapping[Verdict, tuple[Term, ...]]

    def check(self, verdict: Verdict, reason: str) -> None:
        """Raise UnknownReason unless ``reason`` is empty or a word for this verdict."""
        known = [term.code for term in self.reasons.get(verdict, ())]
        if reason and reason not in known:
            raise UnknownReason(
                "no such reason for this verdict",
                verdict=verdict.value,
                reason=reason,
                vocabulary=self.version,
                known=", ".join(known) or "none",
            )


def _terms(*pairs: tuple[str, str]) -> tuple[Term, ...]:
    return tuple(Term(code=code, title=title) for code, title in pairs)


VOCABULARIES: Mapping[int, Vocabulary] = MappingProxyType({
    1: Vocabulary(
        version=1,
        reasons=MappingProxyType({
            Verdict.REAL: _terms(
                ("transient", "Transient"),
                ("variable_star", "Variable star"),
                ("agn_nuclear", "Active galaxy or nuclear"),
                ("solar_system", "Solar system"),
                ("high_proper_motion", "High proper motion"),
                ("known_object", "Known object"),
                ("other", "Other"),
            ),
            Verdict.BOGUS: _terms(
                ("dipole_misregistration", "Dipole, misregistered"),
                ("bad_subtraction_galaxy_core", "Badly subtracted galaxy core"),
                ("bright_star_residual", "Residual of a bright star"),
                ("saturation_bleed", "Saturation or bleeding"),
                ("diffraction_spike", "Diffraction spike"),
                ("cosmic_ray", "Cosmic ray"),
                ("bad_pixel_column", "Bad pixel or column"),
                ("edge", "Edge of the frame"),
                ("satellite_trail_glint", "Satellite trail or glint"),
                ("ghost_reflection", "Ghost or reflection"),
                ("template_defect", "Defect of the reference"),
                ("noise_peak", "Peak of the noise"),
                ("other", "Other"),
            ),
        }),
    ),
})  # fmt: skip
"""Every vocabulary that was ever in force, by version: verdicts name the one they were given under."""

CURRENT = VOCABULARIES[max(VOCABULARIES)]
"""What new verdicts are given under."""
