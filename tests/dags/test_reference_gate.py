from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from astrid_core.differencing.config import ReferenceConfig
from astrid_core.differencing.entities import ReferenceImage, ReferenceStatus
from astrid_core.shared.artifacts import ArtifactRef
from astrid_core.shared.runs import RunKey
from astrid_core.shared.sky import SkyCell, SkyPosition
from include.quality.gate import GateClosed
from include.quality.overview import read_checks
from include.quality.places import PAGES, docs_of
from include.quality.references import check_references

_CONFIG = ReferenceConfig(max_inputs=6)
_GOOD = ReferenceImage(
    image=ArtifactRef(digest="0f" * 32, media_type="application/fits", n_bytes=100),
    family="pointing-12/1",
    cell=SkyCell.parse("6/123"),
    band="r",
    survey="demo",
    version=1,
    position=SkyPosition(ra_deg=150.0, dec_deg=2.0),
    radius_deg=0.1,
    inputs=(RunKey("preprocess-1"), RunKey("preprocess-2"), RunKey("preprocess-3")),
    nights=("2026-11-18", "2026-11-19"),
    fwhm_pix=3.0,
    sky_rms=4.0,
    median_coverage=3.0,
    status=ReferenceStatus.ACTIVE,
    zero_point_mag=25.0,
    pixel_scale_arcsec=0.5,
    recipe=RunKey("reference-1"),
)
_TWICE = (RunKey("preprocess-1"), RunKey("preprocess-1"), RunKey("preprocess-3"))
_SEVEN = tuple(RunKey(f"preprocess-{number}") for number in range(7))


def _other(**changed: Any) -> ReferenceImage:
    """Return a second reference, of another band and so of another key."""
    image = replace(_GOOD.image, digest="1e" * 32)
    return replace(_GOOD, image=image, band="g", **changed)


def _check(*built: ReferenceImage, n_active: Counter[Any] | None = None, is_automatic: bool = True, **to: Any) -> int:
    in_use = Counter(one.key for one in built if one.status is ReferenceStatus.ACTIVE) if n_active is None else n_active
    return check_references(built, in_use, _CONFIG, is_automatic=is_automatic, **to)


def test_good_references_pass() -> None:
    assert _check(_GOOD, _other(zero_point_mag=None, pixel_scale_arcsec=None)) == 2
    assert _check() == 0


@pytest.mark.parametrize(
    ("column", "changed"),
    [
        ("digest", {"image": ArtifactRef(digest="0F", media_type="application/fits", n_bytes=1)}),
        ("status", {"status": "finished"}),
        ("version", {"version": 0}),
        ("n_inputs", {"inputs": (), "median_coverage": None}),
        ("n_inputs", {"inputs": _SEVEN}),
        ("n_inputs and n_different_inputs", {"inputs": _TWICE}),
        ("n_inputs and n_nights", {"nights": ("2026-11-16", "2026-11-17", "2026-11-18", "2026-11-19")}),
        ("nights", {"nights": ()}),
        ("nights", {"nights": ("last night",)}),
        ("is_thin and has_few_inputs", {"is_thin": True}),
        ("is_thin and has_few_inputs", {"inputs": _SEVEN[:2], "median_coverage": 2.0}),
        ("median_coverage", {"median_coverage": None}),
        ("median_coverage", {"median_coverage": 0.5}),
        ("n_inputs and median_coverage", {"median_coverage": 3.5}),
        ("fwhm_pix", {"fwhm_pix": float("nan")}),
        ("fwhm_pix", {"fwhm_pix": 0.0}),
        ("sky_rms", {"sky_rms": float("inf")}),
        ("radius_deg", {"radius_deg": 0.0}),
        ("zero_point_mag", {"zero_point_mag": 99.0}),
    ],
)
def test_a_bad_reference_closes_the_gate(column: str, changed: dict[str, Any], tmp_path: Path) -> None:
    bad = replace(_other(), **changed)
    with pytest.raises(GateClosed):
        _check(_GOOD, bad, n_active=Counter([_GOOD.key, bad.key]), docs=docs_of(tmp_path))
    (check,) = read_checks(docs_of(tmp_path))
    assert column in {told.partition(":")[0] for told in check.failed}


def test_the_gate_names_the_reference_and_its_page_tells_what_failed(tmp_path: Path) -> None:
    with pytest.raises(GateClosed) as caught:
        _check(_GOOD, _other(sky_rms=0.0), about="demo", docs=docs_of(tmp_path))
    assert (caught.value.facts["column"], caught.value.facts["digest"]) == ("sky_rms", "1e" * 32)
    (check,) = read_checks(docs_of(tmp_path))
    assert (check.table, check.about) == ("references", "demo")
    assert (docs_of(tmp_path) / PAGES / check.page).exists()


def test_two_in_use_of_one_key_close_the_gate() -> None:
    with pytest.raises(GateClosed) as caught:
        _check(_GOOD, n_active=Counter({_GOOD.key: 2}))
    assert (caught.value.facts["column"], caught.value.facts["value"]) == ("n_active", 2)


@pytest.mark.parametrize(
    ("status", "is_automatic", "passes"),
    [
        (ReferenceStatus.ACTIVE, False, False),
        (ReferenceStatus.DRAFT, True, False),
        (ReferenceStatus.DRAFT, False, True),
        (ReferenceStatus.RETIRED, True, True),
        (ReferenceStatus.QUARANTINED, True, True),
    ],
)
def test_none_in_use_is_right_only_where_people_decide(
    status: ReferenceStatus, is_automatic: bool, passes: bool
) -> None:
    nothing: Counter[Any] = Counter()
    if passes:
        assert _check(replace(_GOOD, status=status), n_active=nothing, is_automatic=is_automatic) == 1
        return
    with pytest.raises(GateClosed, match="n_active"):
        _check(replace(_GOOD, status=status), n_active=nothing, is_automatic=is_automatic)
