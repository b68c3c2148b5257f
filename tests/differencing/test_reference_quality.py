"""What a reference is worth; benchmarks/references.md holds the whole of it."""

import hashlib
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from astrid_core.shared.fits_format import image_to_fits
from benchmarks.references import (
    Field,
    cost_of_clipping,
    coverage_of_variables,
    depth_against_optimum,
    left_of_transients,
    make_field,
)
from tests.synthetic.fields import Source
from tests.synthetic.pairs import prepared

SIDE, SEED = 320, 11
_REBUILD = f"""
import hashlib
from astrid_core.shared.fits_format import image_to_fits
from benchmarks.references import make_field
from dataclasses import replace
field = make_field(3, side={SIDE}, seed={SEED})
found = replace(field, images=field.images[::-1], exposures=field.exposures[::-1]).coadd()
print(hashlib.sha256(image_to_fits(found.image, coverage=found.coverage)).hexdigest())
"""


@pytest.fixture(scope="module")
def field() -> Field:
    """Three exposures of one sky."""
    return make_field(3, side=SIDE, seed=SEED)


def test_a_reference_is_as_deep_as_its_exposures_allow(field: Field) -> None:
    other = make_field(3, side=SIDE, seed=SEED, first_seed=7001)
    assert 0.97 < depth_against_optimum(field, other) < 1.05


@pytest.mark.parametrize("snr", [20.0, 200.0])
def test_less_than_two_per_cent_of_a_transient_in_one_exposure_is_left(field: Field, snr: float) -> None:
    left = left_of_transients(field, snr)
    assert len(left) >= 9
    assert abs(np.median(left)) < 0.02


def test_leaving_artefacts_out_costs_neither_depth_nor_the_flux_of_stars(field: Field) -> None:
    lost, median, largest = cost_of_clipping(field)
    assert lost < 0.001
    assert abs(median) < 0.001
    assert largest < 0.01


@pytest.mark.parametrize("n", [3, 6])
def test_a_variable_star_punches_no_hole(n: int) -> None:
    assert coverage_of_variables(n=n, side=SIDE, seed=12, amplitude=0.5) >= (n - 1) / n


@pytest.mark.parametrize(("parts", "n_kept"), [((0.6, 1.0, 1.4), 3), ((0.8, 1.0, 5.0), 2), ((1.0, 1.0, 5.0), 2)])
def test_of_a_variable_star_only_what_is_alone_far_off_is_left_out(
    field: Field, parts: tuple[float, ...], n_kept: int
) -> None:
    assert _kept_of_a_star(field, parts) == n_kept


def test_what_two_of_six_exposures_add_to_a_source_is_left_out_and_what_two_lack_is_not() -> None:
    field = make_field(6, side=240, seed=SEED)
    assert _kept_of_a_star(field, (1.0, 1.0, 1.0, 1.0, 2.0, 2.2), flux=4e3) == 4
    assert _kept_of_a_star(field, (1.0, 1.0, 1.0, 1.0, 0.5, 0.6), flux=4e3) == 6


def _kept_of_a_star(field: Field, parts: tuple[float, ...], *, flux: float = 2e4) -> int:
    """Return how many exposures go in at the middle of a star of which each shows another part."""
    middle = field.sky.shape[0] / 2.0
    star = Source(x_pix=middle + 0.2, y_pix=middle - 9.4, flux=flux)
    images = tuple(
        prepared(field.sky, exposure, seed=number, extra=[replace(star, flux=part * star.flux)])
        for number, (exposure, part) in enumerate(zip(field.exposures, parts, strict=True), start=1)
    )
    changing = replace(field, images=images)
    found = changing.coadd()
    x, y = changing.on(found, 0, star)
    return int(found.coverage[round(y), round(x)])


def test_another_order_and_another_process_give_the_same_bytes(field: Field) -> None:
    found = field.coadd()
    ours = hashlib.sha256(image_to_fits(found.image, coverage=found.coverage)).hexdigest()
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    child = subprocess.run(
        [sys.executable, "-c", _REBUILD], capture_output=True, text=True, check=True, env=environment, timeout=300
    )
    assert child.stdout.strip() == ours


def test_the_number_of_inputs_is_kept_with_the_image(field: Field) -> None:
    found = field.coadd()
    assert found.coverage.max() == 3
    assert (found.coverage[found.image.usable] > 0).all()
    assert b"COVERAGE" in image_to_fits(found.image, coverage=found.coverage)
