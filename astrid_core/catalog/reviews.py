"""What people said of a night."""

from dataclasses import dataclass

from astrid_core.catalog.model_track import Share


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewFacts:
    """How far people are with a night, how far they agree, and what they found."""

    n_queued: int
    """Detections of the reported runs that people are asked about."""
    n_open: int
    """Of these, without a final verdict so far; disputed ones included."""
    n_disputed: int
    """Of these, those that wait for an arbiter."""
    n_votes: int
    """That stand, seeds and arbiters apart."""
    n_curators: int
    """Who gave them."""
    krippendorff_alpha: float | None
    fleiss_kappa: float | None
    """None where nothing can be compared."""
    purity: Share
    """Detections above the threshold of the report that people called real, of those that they called real or bogus.

    People choose what they judge: this is the purity of what was judged, not of all.
    """
    seeds_found: Share
    """Votes for real, of all on hidden sources that are real: how complete people are."""
