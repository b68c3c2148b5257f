"""What ingest may accept."""

from dataclasses import dataclass

from astrid_core.shared.errors import BadConfiguration


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestConfig:
    """Limits within which a file is taken for an exposure."""

    suffixes: tuple[str, ...] = (".fits", ".fit", ".fts")
    """Names of files that are looked at, upper or lower case, also with ``.gz``, ``.bz2`` or ``.fz`` behind."""
    max_file_bytes: int = 2**30
    """Larger files, also after decompression, are refused: preparation holds a whole file in memory."""
    max_header_bytes: int = 2**22
    """Longest header of one HDU; the longest honest ones (stacks that list their inputs) have some 100 kB."""
    max_pixels: int = 2**28
    """Larger images are refused: preparation holds several copies in memory."""
    min_side_pix: int = 32
    """Smaller images hold no field of stars to measure a PSF from."""
    earliest_year: int = 1850
    """No photograph of the stars is older."""
    max_future_days: float = 1.0
    """By how much an exposure may lie behind our clock: room for clocks and time zones that are wrong."""
    max_attempts: int = 30
    """Looks in a row that ask for a listed file in vain; then it is given up until its size or checksum changes. At
    some ten looks a day this is three days: longer than most maintenance.
    """

    def __post_init__(self) -> None:
        if not self.suffixes or not all(suffix.startswith(".") and suffix.islower() for suffix in self.suffixes):
            raise BadConfiguration("suffixes must be lower case and start with a dot", suffixes=self.suffixes)
        for name in ("max_file_bytes", "max_header_bytes", "max_pixels", "min_side_pix", "max_attempts"):
            if getattr(self, name) < 1:
                raise BadConfiguration(f"{name} must be positive", got=getattr(self, name))
        if self.max_future_days < 0.0:
            raise BadConfiguration("max_future_days must not be negative", got=self.max_future_days)
