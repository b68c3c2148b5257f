"""Where the frame of a stored difference lies on the sky, from the beginning of its file."""

import warnings

from astropy.io import fits
from astropy.wcs import WCS

from astrid_core.shared.errors import CorruptArtifact

HEAD_BYTES = 40 * 2880
"""So many bytes of a difference hold the headers of its first two HDUs, distortions included."""

Corners = tuple[tuple[float, float], ...]


def read_corners(head: bytes) -> Corners | None:
    """Return RA and Dec of the outer corners of the frame, around it; None where it has no sky coordinates.

    Raises CorruptArtifact for bytes that are not the beginning of a difference.
    """
    try:
        with warnings.catch_warnings(action="error"):
            primary = fits.Header.fromstring(head, sep="")
            start = len(primary.tostring())
            header = fits.Header.fromstring(head[start:], sep="")
            if header.get("EXTNAME") != "DIFFERENCE":
                raise CorruptArtifact("bytes are not the beginning of a difference", extension=header.get("EXTNAME"))
            if "CTYPE1" not in header:
                return None
            nx, ny = int(header["NAXIS1"]), int(header["NAXIS2"])
            edges = ((-0.5, -0.5), (nx - 0.5, -0.5), (nx - 0.5, ny - 0.5), (-0.5, ny - 0.5))
            ra, dec = WCS(header).all_pix2world(*zip(*edges, strict=True), 0)
    except (OSError, LookupError, ValueError, TypeError, Warning) as error:
        raise CorruptArtifact("bytes are not the beginning of a difference", cause=str(error)) from error
    return tuple((float(one) % 360.0, float(other)) for one, other in zip(ra, dec, strict=True))
