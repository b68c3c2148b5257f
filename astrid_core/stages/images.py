"""Images in and out of the artifact store."""

from astrid_core.shared.artifacts import ArtifactRef, ArtifactStore
from astrid_core.shared.fits_format import MEDIA_TYPE, fits_to_image, image_to_fits
from astrid_core.shared.images import SkyImage


def load_image(artifacts: ArtifactStore, ref: ArtifactRef) -> SkyImage:
    """Fetch and read a stored image."""
    return fits_to_image(artifacts.get(ref.digest))


def store_image(artifacts: ArtifactStore, image: SkyImage, *, quantize_level: float = 0.0) -> ArtifactRef:
    """Write an image; equal images have equal names."""
    return artifacts.put(image_to_fits(image, quantize_level=quantize_level), media_type=MEDIA_TYPE)
