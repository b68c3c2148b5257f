"""Cut-outs that still carry the WCS of the whole image."""

from astropy.io import fits

from astrid_core.observations.cards import Headers, as_number, value
from astrid_core.shared.errors import UnusableFile


def size_elsewhere(header: fits.Header, shape: tuple[int, int]) -> tuple[float, float] | None:
    """Return width and height of the image that a WCS was solved on, if it is another one and nobody moved the WCS.

    Astrometry.net writes the size of its image as IMAGEW and IMAGEH. Where the reference pixel is still the middle of
    that, a cut-out may lie anywhere in it.
    """
    solved = as_number(value([header], "IMAGEW")), as_number(value([header], "IMAGEH"))
    middle = as_number(value([header], "CRPIX1")), as_number(value([header], "CRPIX2"))
    if None in solved or None in middle or solved == (shape[1], shape[0]):
        return None
    width, height = (float(side) for side in solved if side is not None)
    return (width, height) if middle == ((width + 1.0) / 2.0, (height + 1.0) / 2.0) else None


def require_own_size(headers: Headers, shape: tuple[int, int]) -> None:
    """Raise UnusableFile where a header has the WCS of another image."""
    for header in headers:
        solved = size_elsewhere(header, shape)
        if solved is not None:
            raise UnusableFile(
                "position unknown: header WCS was solved on a larger image and not moved along with the cut-out",
                solved_pix=f"{solved[0]:.0f} x {solved[1]:.0f}",
                image_pix=f"{shape[1]} x {shape[0]}",
            )
