"""What injections may choose."""

from dataclasses import dataclass

from astrid_core.shared.errors import BadConfiguration


@dataclass(frozen=True, slots=True, kw_only=True)
class InjectConfig:
    """Settings of the sources of known flux that measure what a search finds."""

    shadow_fraction: float = 0.1
    """Part of the searched exposures of a night that is searched once more with injections; at least one exposure of
    the night unless 0. Decides which runs there are, not what comes of them.
    """
    n_sources: int = 100
    """Sources in one exposure; fewer where the frame has no room for so many."""
    snr: tuple[float, float] = (2.5, 20.0)
    """Fluxes are drawn log-uniformly between these predicted S/N."""
    host_fraction: float = 0.5
    """Part of the sources that is put into the light of galaxies, as far as the reference shows any."""
    faded_fraction: float = 0.2
    """Part of the sources that is put into the reference instead, where both frames know the sky: they have faded."""
    separation_fwhm: float = 6.0
    """Least distance between two injections, and of an injection from what stands out without it."""
    match_fwhm: float = 1.0
    """A candidate within this of an injection is its recovery."""
    n_bins: int = 8
    """Of the completeness curve, equally wide in the logarithm of the predicted S/N."""
    min_flux_snr: float = 10.0
    """Fluxes are compared from this predicted S/N on: fainter sources are found more easily when noise adds to them."""
    seed: int = 1
    """Of all random numbers, together with the name of the exposure."""

    def __post_init__(self) -> None:
        for name in ("shadow_fraction", "host_fraction", "faded_fraction"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise BadConfiguration(f"{name} must lie in [0, 1]", got=getattr(self, name))
        if not 1 <= self.n_sources <= 100_000:
            raise BadConfiguration("n_sources must lie in [1, 100000]", got=self.n_sources)
        if len(self.snr) != 2 or not 0.0 < self.snr[0] < self.snr[1]:
            raise BadConfiguration("snr must be two positive numbers, the lower first", got=self.snr)
        if self.match_fwhm <= 0.0 or self.separation_fwhm < 2.0 * self.match_fwhm:
            raise BadConfiguration(
                "separation_fwhm must be at least twice match_fwhm",
                separation_fwhm=self.separation_fwhm,
                match_fwhm=self.match_fwhm,
            )
        if not 1 <= self.n_bins <= 100 or self.seed < 0 or self.min_flux_snr <= 0.0:
            raise BadConfiguration(
                "n_bins must lie in [1, 100], seed must not be negative, min_flux_snr must be positive",
                n_bins=self.n_bins,
                seed=self.seed,
                min_flux_snr=self.min_flux_snr,
            )
