"""What a header tells about counts: gain, read noise, saturation, zero point."""

import math

from astrid_core.observations.cards import Headers, as_number, comment, positive, text, value

_READ_NOISE = ("RDNOISE", "READNOIS", "READNOISE", "RON", "ENOISE", "ESO DET OUT1 RON", "CELL.READNOISE")
_SATURATION = ("SATURATE", "SATLEVEL", "SATUR", "MAXLIN", "MAXADU", "CELL.SATURATION")
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
    stack = _stack_gain(headers)
    if stack is not None:
        return stack
    certain = positive(headers, ("EGAIN", "ESO DET OUT1 CONAD", "EFFGAIN", "GAINEFF"))
    if certain is not None:
        return certain
    amplifiers = [one for one in (positive(headers, [f"GAIN{letter}"]) for letter in "AB") if one is not None]
    plain = positive(headers, ("GAIN", "ATODGAIN", "CCDGAIN"))
    if plain is None:
        return sum(amplifiers) / len(amplifiers) if amplifiers else None
    return plain if _is_electrons(headers, plain) else None


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
    per_second = as_number(value(headers, "FPA.ZP"))
    if per_second is not None:
        return _whole(per_second, exposure_s)
    for name in _ZERO_POINT:
        found = as_number(value(headers, name))
        if found is None or not 10.0 < found < 50.0:
            continue
        remark = comment(headers, name)
        # UKIRT and VISTA pipelines write Vega magnitudes of one second under names that others use for AB.
        if "vega" in remark or text(headers, ["INSTRUME"]).upper() in ("WFCAM", "VIRCAM"):
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


def _stack_gain(headers: Headers) -> float | None:
    """Return the gain of a Pan-STARRS image: a stack is a mean of inputs, each multiplied by its SCL_nnnn."""
    gain = positive(headers, ["CELL.GAIN"])
    if gain is None:
        return None
    n_inputs = int(positive(headers, ["NINPUTS"]) or 0)
    scales = [positive(headers, [f"SCL_{number:04d}"]) for number in range(n_inputs)]
    known = [scale for scale in scales if scale is not None]
    return gain * len(known) ** 2 / sum(known) if known else gain


def _is_electrons(headers: Headers, gain: float) -> bool:
    """Tell whether GAIN means electrons per count: amateur cameras write their gain dial there."""
    remark = comment(headers, "GAIN")
    if "e-/adu" in remark or "electron" in remark or "e/adu" in remark:
        return True
    return 0.05 < gain <= 20.0 and not text(headers, ["SWCREATE"])
