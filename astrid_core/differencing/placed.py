"""Put prepared exposures on one grid and flux scale."""

from dataclasses import dataclass, field, replace

import numpy as np
from astropy.wcs import WCS
from numpy.typing import NDArray

from astrid_core.differencing.flux_scale import measure_flux_ratio
from astrid_core.differencing.pixel_grid import Box, box_of, cut, moved_box, wcs_of
from astrid_core.differencing.psf_on_grid import resampled
from astrid_core.preprocessing.astrometry import tie_by_patterns, tie_to_reference
from astrid_core.preprocessing.sources import SourceList, detect_sources
from astrid_core.shared.errors import NotRegistered, TooFewSources
from astrid_core.shared.images import MaskPlane, SkyImage

_STAR_SIGMA = 5.0
_HEADER_PIX = 64
"""Around where its header says that an exposure lies: by so much it may be off."""
_MESH = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """An exposure on the pixels of a larger field."""

    index: int
    """Which of the inputs."""
    image: SkyImage
    """On the grid and flux scale of the field."""
    box: Box
    """Where its pixels lie in the field."""

    def on(self, box: Box) -> SkyImage:
        """Return it on a box of the field."""
        return cut(self.image, moved_box(box, (-self.box.x, -self.box.y)))

    def has_data_in(self, box: Box) -> bool:
        """Tell whether any usable pixel of it lies in a box of the field."""
        both = box.overlap(self.box)
        return not both.is_empty and bool(self.on(both).usable.any())


@dataclass(slots=True, kw_only=True)
class Placing:
    """The field as far as exposures have been placed: what the next one is registered and scaled to."""

    canvas: SkyImage
    """The pixels of whoever came first to each place."""
    stars: SourceList
    placed: list[Placed]
    depth: NDArray[np.uint16]
    """Exposures per pixel."""
    zero_point_mag: float | None
    """Of the flux scale."""
    _news: list[Placed] = field(default_factory=list)

    @classmethod
    def start(
        cls, index: int, image: SkyImage, wcs: WCS, shape: tuple[int, int], *, zero_point_mag: float | None
    ) -> "Placing":
        """Begin with the exposure whose flux scale is to hold, which must know the sky."""
        box = _box_on(image, wcs, shape) or Box.of(shape)
        first = Placed(index=index, image=resampled(image, wcs_of(wcs, box), box.shape), box=box)
        canvas = replace(first.on(Box.of(shape)), wcs=wcs, psf=first.image.psf)
        begun = cls(
            canvas=canvas,
            stars=find_stars(canvas),
            placed=[first],
            depth=np.zeros(shape, dtype=np.uint16),
            zero_point_mag=zero_point_mag,
        )
        begun._count(first)
        return begun

    def is_deep_under(self, image: SkyImage, n_inputs: int) -> bool:
        """Tell whether most of where an exposure looks has so many inputs already, or it looks elsewhere."""
        if image.wcs is None:
            return len(self.placed) >= n_inputs
        x, y = _mesh_on(image, self.canvas.wcs)
        ny, nx = self.depth.shape
        inside = (x > -0.5) & (x < nx - 0.5) & (y > -0.5) & (y < ny - 0.5)
        if not inside.any():
            return not _may_meet(x, y, self.depth.shape)
        under = self.depth[np.rint(y[inside]).astype(int), np.rint(x[inside]).astype(int)]
        return bool(np.median(under) >= n_inputs)

    def add(self, index: int, image: SkyImage, *, trust: bool, zero_point_mag: float | None) -> bool:
        """Register and scale an exposure to the field; False where they share too few stars.

        Where both have a zero point, an exposure whose WCS is known is placed by these instead.
        """
        box = _box_on(image, self.canvas.wcs, self.canvas.shape) if trust else None
        box = box or Box.of(self.canvas.shape)
        part = replace(cut(self.canvas, box), psf=self.canvas.psf)
        found = place_on(image, part, _inside(self.stars, box), trust=trust)
        if found is None and trust and zero_point_mag is not None and self.zero_point_mag is not None:
            ratio = 10.0 ** (0.4 * (self.zero_point_mag - zero_point_mag))
            found = scaled(resampled(image, part.wcs, box.shape), ratio)
        if found is None or not found.usable.any():
            return False
        one = Placed(index=index, image=found, box=box)
        self.placed.append(one)
        self._news.append(one)
        self._count(one)
        return True

    def grow(self) -> bool:
        """Let those that were added count as field where nothing was before; tell whether that made it larger."""
        pixels, variance, mask = self.canvas.pixels.copy(), self.canvas.variance.copy(), self.canvas.mask.copy()
        n_before = int(self.canvas.usable.sum())
        for one in self._news:
            at = one.box.within(Box.of(self.canvas.shape))
            new = ((mask[at] & np.uint16(MaskPlane.NO_DATA)) != 0) & one.image.usable
            pixels[at][new], variance[at][new], mask[at][new] = (
                one.image.pixels[new], one.image.variance[new], one.image.mask[new],
            )  # fmt: skip
        self._news.clear()
        grown = SkyImage(pixels=pixels, variance=variance, mask=mask, wcs=self.canvas.wcs, psf=self.canvas.psf)
        if int(grown.usable.sum()) == n_before:
            return False
        self.canvas, self.stars = grown, find_stars(grown)
        return True

    def _count(self, one: Placed) -> None:
        self.depth[one.box.within(Box.of(self.canvas.shape))] += (one.image.mask & np.uint16(MaskPlane.NO_DATA)) == 0


def place_on(image: SkyImage, base: SkyImage, base_sources: SourceList, *, trust: bool) -> SkyImage | None:
    """Return ``image`` on the grid and flux scale of ``base``; None if it does not match."""
    sources = find_stars(image)
    try:
        if trust and image.wcs is not None:
            tied = tie_to_reference(sources, image.wcs, image.shape, base_sources, base.wcs)
        else:
            tied = tie_by_patterns(sources, image.shape, base_sources, base.wcs)
        placed = resampled(replace(image, wcs=tied.wcs), base.wcs, base.shape)
        ratio = measure_flux_ratio(base, placed, base_sources)
    except (NotRegistered, TooFewSources):
        return None
    return scaled(placed, ratio)


def scaled(image: SkyImage, ratio: float) -> SkyImage:
    """Return an image with all counts times ``ratio``."""
    return replace(
        image,
        pixels=(image.pixels * np.float32(ratio)).astype(np.float32),
        variance=(image.variance * np.float32(ratio**2)).astype(np.float32),
    )


def find_stars(image: SkyImage) -> SourceList:
    """Return what stands out of the sky of a prepared image."""
    bad = ~image.usable
    sky = sky_noise(image)
    return detect_sources(image.pixels, np.full(image.shape, sky, dtype=np.float32), bad, threshold_sigma=_STAR_SIGMA)


def fwhm_of(image: SkyImage) -> float:
    """Return the FWHM of a prepared image, pixels."""
    if image.psf is None:
        raise ValueError("a prepared image carries its PSF")
    return image.psf.fwhm_pix


def sky_noise(image: SkyImage) -> float:
    """Return the median standard deviation of the usable pixels; infinite where there are none."""
    usable = image.usable
    return float(np.sqrt(np.median(image.variance[usable]))) if usable.any() else float("inf")


def box_on(image: SkyImage, wcs: WCS) -> Box | None:
    """Return the pixels of the grid of ``wcs`` that an image reaches; None where part of it has no place there."""
    x, y = _mesh_on(image, wcs)
    points = np.stack([x, y], axis=1)
    return box_of(points) if np.isfinite(points).all() else None


def _box_on(image: SkyImage, wcs: WCS, shape: tuple[int, int]) -> Box | None:
    """Return the part of a field where the header says that an image lies, and a bit more; None where nowhere."""
    found = box_on(image, wcs)
    if found is None:
        return None
    both = found.grown(_HEADER_PIX).overlap(Box.of(shape))
    return None if both.is_empty else both


def _mesh_on(image: SkyImage, wcs: WCS) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if image.wcs is None:
        raise ValueError("an image needs sky coordinates to be placed")
    ny, nx = image.shape
    x, y = np.meshgrid(np.linspace(0, nx - 1, _MESH), np.linspace(0, ny - 1, _MESH))
    there = wcs.world_to_pixel(image.wcs.pixel_to_world(x.ravel(), y.ravel()))
    return np.asarray(there[0], dtype=float), np.asarray(there[1], dtype=float)


def _may_meet(x: NDArray[np.float64], y: NDArray[np.float64], shape: tuple[int, int]) -> bool:
    """Tell whether a header that is off by a bit may hide that an image meets the field."""
    reach = _HEADER_PIX
    return bool(((x > -reach) & (x < shape[1] + reach) & (y > -reach) & (y < shape[0] + reach)).any())


def _inside(stars: SourceList, box: Box) -> SourceList:
    """Return the stars of a field that lie in a box of it, by the pixels of the box."""
    x, y = stars.x_pix - box.x, stars.y_pix - box.y
    kept = (x > -0.5) & (x < box.nx - 0.5) & (y > -0.5) & (y < box.ny - 0.5)
    return replace(stars, x_pix=x, y_pix=y).take(kept)
