"""Star lists with known truth: headers that are off, frames of which nothing is known, and stars of other fields."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context

import numpy as np
from astropy.wcs import WCS

from astrid_core.preprocessing.config import AstrometryConfig
from astrid_core.preprocessing.solve_wcs import solve
from astrid_core.preprocessing.tangent_plane import plane_at, sky_of, to_sky
from astrid_core.shared.errors import NoAstrometricSolution
from astrid_core.shared.sky import SkyPosition
from tests.synthetic.star_fields import FieldPlan, StarField, draw_field

POLAR = 5
"""Every so many-th field lies within 0.3 degrees of a pole."""
N_STARS = (15, 20, 30, 60, 120)
_FOUND_PIX = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One frame: what it was, and how far its solution lies from the truth (rms over the frame; None: refused)."""

    n_stars: int
    is_polar: bool
    is_mirrored: bool
    rms_pix: float | None
    log10_chance: float | None

    @property
    def is_right(self) -> bool:
        """Whether it was solved, and within a pixel."""
        return self.rms_pix is not None and self.rms_pix < _FOUND_PIX


def headers(n: int, workers: int) -> list[Trial]:
    """Refine headers that are off by 5 arcsec, 0.2 degrees and 1 per cent at once; 2048 x 2048 pixels of 0.4 arcsec."""
    return list(_spread(_header, n, workers))


def blind(n: int, workers: int) -> list[Trial]:
    """Solve frames of which a region and a factor of two in scale are known."""
    return list(_spread(_blind, n, workers))


def wrong_headers(n: int, workers: int) -> list[Trial]:
    """Try to verify headers against the stars of another field."""
    return list(_spread(_wrong_header, n, workers))


def wrong_blind(n: int, workers: int) -> list[Trial]:
    """Try to solve frames in a region where they are not."""
    return list(_spread(_wrong_blind, n, workers))


def _spread(one: Callable[[int], Trial], n: int, workers: int) -> Iterator[Trial]:
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(one, range(n))


def _centre(number: int, rng: np.random.Generator) -> SkyPosition:
    dec = float(np.degrees(np.arcsin(rng.uniform(-1.0, 1.0))))
    if number % POLAR == 0:
        dec = (90.0 - float(rng.uniform(0.0, 0.3))) * (1.0 if number % (2 * POLAR) else -1.0)
    return SkyPosition(ra_deg=float(rng.uniform(0.0, 360.0)), dec_deg=dec)


def _header(number: int) -> Trial:
    rng = np.random.default_rng([1, number])
    plan = FieldPlan(
        centre=_centre(number, rng), n_stars=int(rng.choice([30, 100, 400])), shape=(2048, 2048), scale_arcsec=0.4,
        region_deg=0.25, err_pix=0.05, mirrored=bool(number % 2), rotation_deg=float(rng.uniform(0.0, 360.0)),
    )  # fmt: skip
    field = draw_field(plan, rng)
    turn = np.radians(0.2 * rng.choice([-1.0, 1.0]))
    header = field.wcs.deepcopy()
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    header.wcs.cd = field.wcs.wcs.cd @ matrix * (1.0 + 0.01 * rng.choice([-1.0, 1.0]))
    angle = rng.uniform(0.0, 2.0 * np.pi)
    off = np.array([[np.cos(angle), np.sin(angle)]]) * 5.0 / 3600.0
    header.wcs.crval = to_sky(plane_at(*field.wcs.wcs.crval), off)[0]
    header.wcs.set()
    return _trial(number, plan, field, field, header, AstrometryConfig())


def _blind(number: int) -> Trial:
    rng = np.random.default_rng([2, number])
    scale = float(rng.choice([0.4, 1.0, 3.0]))
    plan = FieldPlan(
        centre=_centre(number, rng), n_stars=N_STARS[number % len(N_STARS)], scale_arcsec=scale,
        rotation_deg=float(rng.uniform(0.0, 360.0)), mirrored=bool(number // len(N_STARS) % 2),
        region_deg=float(rng.uniform(1.0, 2.5)) * scale**0.5, missing=0.3, spurious=0.3, err_pix=0.2,
    )  # fmt: skip
    place = plane_at(plan.centre.ra_deg, plan.centre.dec_deg)
    ra, dec = to_sky(place, rng.uniform(-0.5, 0.5, (1, 2)) * plan.region_deg)[0]
    field = draw_field(plan, rng, middle=SkyPosition(ra_deg=float(ra) % 360.0, dec_deg=float(dec)))
    return _trial(number, plan, field, field, None, AstrometryConfig(blind_scales_arcsec=(scale / 2.0, scale * 2.0)))


def _wrong_header(number: int) -> Trial:
    rng = np.random.default_rng([3, number])
    plan = FieldPlan(centre=_centre(number, rng), n_stars=int(rng.choice([15, 60, 400])), region_deg=0.4)
    field = draw_field(plan, rng)
    return _trial(number, plan, field, draw_field(plan, rng), field.wcs, AstrometryConfig())


def _wrong_blind(number: int) -> Trial:
    rng = np.random.default_rng([4, number])
    plan = FieldPlan(centre=_centre(number, rng), n_stars=N_STARS[number % len(N_STARS)], region_deg=1.0)
    config = AstrometryConfig(blind_scales_arcsec=(0.5, 2.0))
    return _trial(number, plan, draw_field(plan, rng), draw_field(plan, rng), None, config)


def _trial(
    number: int, plan: FieldPlan, field: StarField, sky: StarField, wcs: WCS | None, config: AstrometryConfig
) -> Trial:
    trial = Trial(
        n_stars=plan.n_stars, is_polar=number % POLAR == 0, is_mirrored=plan.mirrored, rms_pix=None, log10_chance=None
    )
    try:
        solution = solve(
            field.xy, field.flux, shape=field.shape, stars=sky.stars, wcs=wcs, err_pix=field.err_pix, config=config
        )
    except NoAstrometricSolution as error:
        chance = error.facts.get("log10_chance")
        return replace(trial, log10_chance=chance if isinstance(chance, float) else None)
    return replace(
        trial, rms_pix=rms_over_frame(solution.wcs, field.wcs, field.shape), log10_chance=solution.log10_chance
    )


def rms_over_frame(one: WCS, truth: WCS, shape: tuple[int, int]) -> float:
    """Return the rms distance between two WCS over a frame (ny, nx), pixels of the second."""
    ny, nx = shape
    grid = np.array([[x, y] for x in np.linspace(0.0, nx - 1.0, 9) for y in np.linspace(0.0, ny - 1.0, 9)])
    there = np.asarray(truth.all_world2pix(sky_of(one, grid), 0, quiet=True))
    return float(np.sqrt(np.mean(np.sum((there - grid) ** 2, axis=1))))


def accepted(trials: Sequence[Trial]) -> int:
    """Return how many were solved at all."""
    return sum(trial.rms_pix is not None for trial in trials)
