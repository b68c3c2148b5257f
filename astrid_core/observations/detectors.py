"""What a header tells about counts: gain, read noise, saturation, zero point."""

import math

from astrid_core.observations.cards import Headers, as_number, comment, positive, text, value

_READ_NOISE = ("RDNOISE", "READNOIS", "READNOISE", "RON", "ENOISE")
_SATURATION = ("SATURATE", "SATLEVEL", "SATUR", "MAXLIN", "MAXADU")
_ZERO_POINT = ("MAGZERO", "MAGZP", "MAGZPT", "ZP_AB", "ABZP", "PHOTZP", "ZEROPT", "MAG_ZERO", "ZPT", "ZP")
_JANSKY = {"jy": 1.0, "mjy": 1e-3, "ujy": 1e-6, "njy": 1e-9}
_AB_JANSKY = 8.90
"""AB magnitude of one jansky (3631 Jy at magnitude 0)."""


def gain_of(headers: Headers, exposure_s: float | None) -> float | None:
    """Return electrons per count of the pixels as stored; None where the header does not say."""
    unit = _unit(headers)
    if unit in ("electron", "electrons", "e-", "e"):
        return 1.0
    if unit in ("electron/s", "electrons/s", "electrons/sec", "e-/s", "e/s"):
        return exposure_s
    certain = positive(headers, ("EGAIN", "EFFGAIN", "GAINEFF"))
    if certain is not None:
        return certain
    amplifiers = [one for one in (positive(headers, [f"GAIN{letter}"]) for letter in "AB") if one is not None]
    plain = positive(headers, ("GAIN", "ATODGAIN", "CCDGAIN"))
    if plain is None:
        return sum(amplifiers) / len(amplifiers) if amplifiers else None
    return plain if _is_electrons(headers, plain) else None


def counts_unit(headers: Headers) -> bool:
    """Tell whether pixels are counts of the converter, as those of a header without BUNIT are taken to be."""
    return _unit(headers) in ("", "adu", "adus", "dn", "count", "counts")


def read_noise_of(headers: Headers) -> float | None:
    """Return the read noise in electrons."""
    found = positive(headers, _READ_NOISE)
    if found is not None:
        return found
    amplifiers = [positive(headers, [f"{stem}{letter}"]) for stem in ("RDNOISE", "READNSE") for letter in "ABCD"]
    known = [one for one in amplifiers if one is not None]
    return max(known) if known else None


def saturation_of(headers: Headers) -> float | None:
    """Return the level in counts at which pixels saturate; with two amplifiers the lower one."""
    found = positive(headers, _SATURATION)
    if found is not None:
        return found
    amplifiers = [one for one in (positive(headers, [f"SATURAT{letter}"]) for letter in "AB") if one is not None]
    return min(amplifiers) if amplifiers else None


def zero_point_of(headers: Headers, exposure_s: float | None) -> float | None:
    """Return the AB magnitude of one count in the whole exposure; None where the header does not say, or in Vega."""
    for source in (_flux_unit_zero_point(headers), _hubble_zero_point(headers, exposure_s)):
        if source is not None:
            return source
    for name in _ZERO_POINT:
        found = as_number(value(headers, name))
        if found is None or not 10.0 < found < 50.0:
            continue
        remark = comment(headers, name)
        if "vega" in remark:
            return None
        return _whole(found, exposure_s) if any(sign in remark for sign in ("1 sec", "per sec", "/s")) else found
    return None


def _whole(per_second: float, exposure_s: float | None) -> float | None:
    return None if exposure_s is None else per_second + 2.5 * math.log10(exposure_s)


def _unit(headers: Headers) -> str:
    return text(headers, ["BUNIT"]).lower().replace(" ", "")


def _flux_unit_zero_point(headers: Headers) -> float | None:
    unit = _unit(headers)
    jansky = _JANSKY.get(unit.removesuffix("/pixel").removesuffix("/pix"))
    if unit == "mjy/sr":  # megajansky: BUNIT is spelled MJy/sr
        pixel_sr = positive(headers, ["PIXAR_SR"])
        jansky = None if pixel_sr is None else 1e6 * pixel_sr
    return None if jansky is None else _AB_JANSKY - 2.5 * math.log10(jansky)


def _hubble_zero_point(headers: Headers, exposure_s: float | None) -> float | None:
    """PHOTFLAM is the flux density of one count per second, PHOTPLAM the pivot wavelength in Angstrom."""
    flux, pivot = positive(headers, ["PHOTFLAM"]), positive(headers, ["PHOTPLAM"])
    if flux is None or pivot is None:
        return None
    per_second = -2.5 * math.log10(flux) - 5.0 * math.log10(pivot) - 2.408
    return per_second if _unit(headers).endswith(("/s", "/sec")) else _whole(per_second, exposure_s)


def _is_electrons(headers: Headers, gain: float) -> bool:
    """Tell whether GAIN means electrons per count: amateur cameras write their gain dial there."""
    remark = comment(headers, "GAIN")
    if "e-/adu" in remark or "electron" in remark or "e/adu" in remark:
        return True
    return 0.05 < gain <= 20.0 and not text(headers, ["SWCREATE"])
