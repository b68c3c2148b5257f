"""What a header says about calibration: what kind of frame it is, of which detector, and whether it is done."""

import re

from astrid_core.observations.cards import Headers, as_number, text, value
from astrid_core.observations.entities import CalibrationKind

_TYPE_CARDS = ("IMAGETYP", "OBSTYPE", "FRAMETYP", "ESO DPR TYPE", "FRAME")
_NO_SKY = re.compile(r"bias|zero|dark|(dome|sky|twilight|master)? ?flat.*|arc|lamp|focus", re.IGNORECASE)
_KINDS = (
    (CalibrationKind.BIAS, re.compile(r"bias|zero", re.IGNORECASE)),
    (CalibrationKind.DARK, re.compile(r"dark", re.IGNORECASE)),
    (CalibrationKind.FLAT, re.compile(r"(dome|sky|twilight)?[ ,_-]?flat", re.IGNORECASE)),
)
_DONE = ("COMPLETE", "T", "TRUE", "1", "DONE", "PERFORMED")
_FLAT_STEPS = ("FLATCORR", "S_FLAT", "L1STATFL", "FLATCOR", "FLATDONE")
"""Dividing by the flat is the last step: whoever has done it has done the others."""
_PRODUCT_CARDS = ("PROCTYPE", "PRODTYPE", "ESO PRO CATG", "PRODCATG")
_PHYSICAL = re.compile(
    r"(e-|electrons?)/s(ec)?|[mun]?jy(/pix(el)?|/beam)?|mjy/sr|nanomaggy|nmgy|counts?/s(ec)?", re.IGNORECASE
)


def type_of(headers: Headers) -> str:
    """Return what the header calls the frame, for example ``Bias Frame``; empty where it does not say."""
    return text(headers, _TYPE_CARDS)


def shows_no_sky(frame_type: str) -> bool:
    """Tell whether a type of frame is one of calibrations."""
    return _NO_SKY.fullmatch(_short(frame_type)) is not None


def kind_of(frame_type: str) -> CalibrationKind | None:
    """Return the kind of master that a raw frame of this type goes into; None for lamps, arcs and finished masters."""
    return next((kind for kind, names in _KINDS if names.fullmatch(_short(frame_type))), None)


def binning_of(headers: Headers) -> str:
    """Return binning along columns and rows, ``1x1`` where the header does not say."""
    summed = re.fullmatch(r"\s*(\d+)[ ,x]+(\d+)\s*", text(headers, ("CCDSUM", "BINNING", "CCDBIN")))
    if summed:
        return f"{int(summed[1])}x{int(summed[2])}"
    pairs = (("XBINNING", "YBINNING"), ("CCDXBIN", "CCDYBIN"), ("BINX", "BINY"), ("XBIN", "YBIN"))
    for along_x, along_y in pairs:
        x, y = as_number(value(headers, along_x)), as_number(value(headers, along_y))
        if x and y and x > 0 and y > 0:
            return f"{int(x)}x{int(y)}"
    return "1x1"


def detector_of(headers: Headers) -> str:
    """Return which detector of a mosaic it is; empty where there is but one, or the header does not say."""
    return text(headers, ("CCDNUM", "CCDNAME", "CCDID", "CHIPID", "DETSEC", "CCD"))


def calibrated_by(headers: Headers) -> str:
    """Return the card that says that bias and flat are off already, as ``NAME = value``; empty where none says so.

    Flat-field steps that are marked done, names of reduced products, and units that only calibrated pixels have.
    """
    for name in _FLAT_STEPS:
        found = value(headers, name)
        # IRAF writes into FLATCOR what it did and when.
        if found is True or str(found).upper() in _DONE or (name == "FLATCOR" and "flat" in str(found).lower()):
            return _card(name, found)
    level = as_number(value(headers, "RLEVEL"))
    if level is not None and level >= 11:
        return _card("RLEVEL", value(headers, "RLEVEL"))
    for name in _PRODUCT_CARDS:
        found = text(headers, [name])
        if found and found.lower() not in ("raw", "image"):
            return _card(name, found)
    unit = text(headers, ["BUNIT"])
    if _PHYSICAL.fullmatch(unit.replace(" ", "")):
        return _card("BUNIT", unit)
    return ""


def _card(name: str, found: object) -> str:
    return f"{name} = {str(found)[:60]}"


def _short(frame_type: str) -> str:
    return frame_type.removesuffix("Frame").removesuffix("frame").strip()
