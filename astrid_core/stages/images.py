"""Images in and out of the artifact store."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from astrid_core.differencing.entities import ReferenceImage
from astrid_core.differencing.template import Part, assemble
from astrid_core.shared.artifacts import ArtifactRef, ArtifactStore
from astrid_core.shared.fits_format import MEDIA_TYPE, fits_to_image, image_to_fits
from astrid_core.shared.images import SkyImage


def load_image(artifacts: ArtifactStore, ref: ArtifactRef) -> SkyImage:
    """Fetch and read a stored image."""
    return fits_to_image(artifacts.get(ref.digest))


def load_template(artifacts: ArtifactStore, references: Sequence[ReferenceImage], science: SkyImage) -> SkyImage:
    """Fetch the references that an exposure is compared with, as one image."""
    parts = [Part(reference=one, image=load_image(artifacts, one.image)) for one in references]
    return assemble(parts, science)


def store_image(
    artifacts: ArtifactStore,
    image: SkyImage,
    *,
    quantize_level: float = 0.0,
    coverage: NDArray[np.uint16] | None = None,
    header: Mapping[str, object] | None = None,
) -> ArtifactRef:
    """Write an image, with the inputs per pixel if it is made of several; equal images have equal names."""
    content = image_to_fits(image, header=header, quantize_level=quantize_level, coverage=coverage)
    return artifacts.put(content, media_type=MEDIA_TYPE)
