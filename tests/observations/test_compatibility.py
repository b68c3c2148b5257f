import pytest

from astrid_core.observations.compatibility import ReferenceClass, Traits, compatibility
from astrid_core.observations.registry_file import known_instruments, read_registry

MATRIX = read_registry("""
[missions.near]
[missions.far]
[missions.plates]
[bands.r]
[bands.R]
[[pairings]]
science = "near"
reference = "plates"
allowed = false
reason = "density, not flux"
[[pairings]]
science = "*"
reference = "far"
reason = "deep and linear"
bands = [["R", "r"]]
max_scale_ratio = 3.0
max_fwhm_ratio = 2.0
""")
NEAR = Traits(mission="near", band="r", pixel_scale_arcsec=0.5, fwhm_arcsec=1.5)


def test_images_of_one_mission_are_class_a() -> None:
    found = compatibility(NEAR, Traits(mission="near", band="r", pixel_scale_arcsec=0.6), MATRIX)
    assert (found.reference_class, found.reason) == (ReferenceClass.A, "")


def test_another_survey_that_the_matrix_allows_is_class_b_and_says_why() -> None:
    found = compatibility(NEAR, Traits(mission="far", band="r", pixel_scale_arcsec=0.25), MATRIX)
    assert found.reference_class is ReferenceClass.B
    assert found.reason == "reference of far, another survey: deep and linear"


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        (Traits(mission="plates", band="r"), "density, not flux"),
        (Traits(mission="nobody", band="r"), "nobody says that nobody may be subtracted from near"),
        (Traits(mission="far", band="R"), "band R of far does not pass for r of near"),
        (Traits(mission="near", band="R"), "band R of near does not pass for r of near"),
        (
            Traits(mission="far", band="r", pixel_scale_arcsec=0.1),
            "pixels of 0.5 and 0.1 arcsec differ by 5.0, allowed",
        ),
        (Traits(mission="far", band="r", fwhm_arcsec=4.5), "PSFs of 1.5 and 4.5 arcsec differ by 3.0, allowed is 2"),
        (Traits(mission="near", band="r", pixel_scale_arcsec=5.0), "pixels of 0.5 and 5 arcsec differ by 10.0"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_reason(reference: Traits, reason: str) -> None:
    found = compatibility(NEAR, reference, MATRIX)
    assert found.reference_class is None
    assert reason in found.reason


def test_bands_pass_for_each_other_in_the_direction_of_the_pairing() -> None:
    johnson, sloan = Traits(mission="near", band="R"), Traits(mission="far", band="r")
    assert compatibility(johnson, sloan, MATRIX).reference_class is ReferenceClass.B
    assert compatibility(NEAR, Traits(mission="far", band="R"), MATRIX).reference_class is None


def test_bands_that_settings_allow_pass_too() -> None:
    found = compatibility(NEAR, Traits(mission="near", band="R"), MATRIX, bands=[("R", "r")])
    assert found.reference_class is ReferenceClass.A


def test_plates_are_refused_by_what_is_shipped_and_pan_starrs_is_class_b() -> None:
    fors2 = Traits(mission="eso", band="B", pixel_scale_arcsec=0.25)
    registry = known_instruments()
    plate = compatibility(fors2, Traits(mission="dss", band="B"), registry)
    stack = compatibility(fors2, Traits(mission="ps1", band="g", pixel_scale_arcsec=0.25), registry)
    assert plate.reference_class is None
    assert "density" in plate.reason
    assert stack.reference_class is ReferenceClass.B
