"""When a frame was exposed and for how long."""

import re
import warnings
from datetime import date

from astropy.time import Time
from erfa import ErfaWarning

from astrid_core.observations.cards import Headers, as_number, comment, number, positive, text, value
from astrid_core.shared.errors import UnusableFile

_MJD_ZERO = date(1858, 11, 17).toordinal()
_JD_ZERO = 2400000.5
MJD_OF_UNIX_EPOCH = 40587.0
_HOUR = 1.0 / 24.0
_READOUT = 120.0 / 86400.0
"""No detector takes longer; what lies further apart are several exposures."""
_EXPOSURE = (
    "EXPTIME",
    "EXPOSURE",
    "XPOSURE",
    "EFFEXPTM",
    "EXP_TIME",
    "EXPMEAS",
    "TEXPTIME",
    "EXPTIM",
    "EXPOSED",
    "INTTIME",
    "ONTIME",
)
_BEGIN_MJD = ("MJD-OBS", "MJD_OBS", "MJDOBS", "MJDATE", "MJD-STR", "MJDSTART", "MJD")
_LATER_MJD = ("EXPSTART", "MJD-BEG", "JD-OBS", "JD_UTC", "JD", "JULDATE", "JD-BEG")
_MIDDLE_MJD = ("MJD-MID", "MJD-AVG", "MJDMID", "JD-MID", "JD-AVG")
BEGINNINGS = (*_BEGIN_MJD, *_LATER_MJD, "DATE-OBS", "DATE_OBS", "DATEOBS", "DATE-BEG", "EXPSTART", "TDB-BEG")
"""Cards that tell when an exposure began."""
_DATES = ("DATE-OBS", "DATE_OBS", "DATEOBS", "UT-OBS", "UTDATE", "UT-DATE")
_CLOCKS = ("TIME-OBS", "UTC-OBS", "UT-OBS", "TIME_OBS", "UTSTART", "UTIME", "UTSHUT", "UT", "UTC")
_SPANS = (
    ("DATE-OBS", "DATE-END"),
    ("EXPSTART", "EXPEND"),
    ("TDB-BEG", "TDB-END"),
    ("MJD-OBS", "MJD-END"),
    ("MJD-OBS", "MJDEND"),
    ("MJD-BEG", "MJD-END"),
    ("DATE-BEG", "DATE-END"),
)
_ISO = re.compile(
    r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[T ]\s*(\d{1,2}):(\d{1,2})(?::(\d{1,2}(?:\.\d*)?))?"
    r"\s*(Z|UTC?|[+-]\d{2}:?\d{2})?)?"
)
_OLD = re.compile(r"(\d{2})/(\d{2})/(\d{2})")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:T?(\d{2})(\d{2})(\d{2}(?:\.\d*)?))?")
_CLOCK = re.compile(r"(\d{1,2})[: ](\d{1,2})(?:[: ](\d{1,2}(?:\.\d*)?))?")


def exposure_of(headers: Headers) -> float:
    """Return the exposure in seconds, or raise UnusableFile naming the keyword that spoils it."""
    wrong = ""
    for name in _EXPOSURE:
        found = value(headers, name)
        if found is None or found == "":
            continue
        seconds = as_number(found)
        if seconds is not None and seconds > 0.0:
            return seconds * _unit_s(comment(headers, name))
        wrong = wrong or f"exposure is not a positive time: {name} is {str(found).strip()}"
    if wrong:
        raise UnusableFile(wrong)
    for begin, end in _SPANS:
        first, last = _instant(headers, begin), _instant(headers, end)
        if first is not None and last is not None and last > first:
            return (last - first) * 86400.0
    raise UnusableFile("no exposure time: none of EXPTIME, EXPOSURE, XPOSURE ... in the header")


def mid_mjd_of(headers: Headers, exposure_s: float | None) -> float:
    """Return the middle of the exposure (MJD, UTC), or raise UnusableFile.

    Headers contradict themselves, above all where one was copied onto another image: MJD-OBS and DATE-OBS are
    believed, and beginning and end count only where they agree with them. An end that is later than the exposure was
    long by no more than a readout takes is the end of that readout, and does not move the middle. A date alone counts
    from 0 h UTC, as the FITS standard reads it.
    """
    begin = _beginning(headers)
    if begin is None:
        middle = number(headers, _MIDDLE_MJD)
        if middle is not None:
            return _to_utc(_as_mjd(middle), headers)
        middle = _instant(headers, "DATE-AVG")
        if middle is not None:
            return middle
        raise UnusableFile("no time of observation: none of MJD-OBS, DATE-OBS, EXPSTART, JD ... in the header")
    exposure_d = (exposure_s or 0.0) / 86400.0
    for first_name, last_name in _SPANS:
        first, last = _instant(headers, first_name), _instant(headers, last_name)
        if first is None or last is None:
            continue
        fits_exposure = 0.0 < last - first <= max(3.0 * exposure_d, exposure_d + _HOUR)
        is_readout = 0.0 <= last - first - exposure_d <= _READOUT and exposure_d > 0.0
        if fits_exposure and not is_readout and abs(first - begin) <= exposure_d + _HOUR:
            return (first + last) / 2.0
    return begin + exposure_d / 2.0


def _beginning(headers: Headers) -> float | None:
    mjd = positive(headers, _BEGIN_MJD)
    start = None if mjd is None else _to_utc(_as_mjd(mjd), headers)
    dated = _dated(headers, with_clock=True)
    if start is not None and dated is not None and abs(start - dated) < 0.02:
        return dated  # the same instant, but MJD-OBS is often rounded to minutes
    if start is not None:
        return start
    if dated is not None:
        return dated
    later = positive(headers, _LATER_MJD)
    if later is not None:
        return _to_utc(_as_mjd(later), headers)
    begun = _instant(headers, "DATE-BEG")
    return begun if begun is not None else _dated(headers, with_clock=False)


def _dated(headers: Headers, *, with_clock: bool) -> float | None:
    """Return DATE-OBS and its dialects, with the time of day from a keyword of its own where it has none."""
    for name in _DATES:
        written = text(headers, [name])
        instant = parse_date(written)
        if instant is None:
            continue
        if ":" in written or len(written) > 10:
            return _to_utc(instant, headers)
        for clock in _CLOCKS:
            fraction = parse_clock(value(headers, clock))
            if fraction is not None:
                return _to_utc(instant + fraction, headers)
        if not with_clock:
            return _to_utc(instant, headers)
    return None


def parse_date(written: str) -> float | None:
    """Return the MJD of a date as archives write it; None for what is no date.

    Knows 2017-12-19T18:33:43.317-0700, 2017/12/19, 20171219, 20171219T183343 and the old 19/12/97.
    """
    iso, compact, old = _ISO.fullmatch(written), _COMPACT.fullmatch(written), _OLD.fullmatch(written)
    offset_d = 0.0
    if iso or compact:
        year, month, day, *clock = (iso or compact).groups()  # type: ignore[union-attr]
        if iso and clock[3] and clock[3][0] in "+-":
            sign = -1.0 if clock[3][0] == "-" else 1.0
            offset_d = sign * (int(clock[3][1:3]) / 24.0 + int(clock[3][-2:]) / 1440.0)
    elif old:
        day, month, year = old.groups()
        year, clock = f"19{year}", [None, None, None]
    else:
        return None
    try:
        days = date(int(year), int(month), int(day)).toordinal() - _MJD_ZERO
    except ValueError:
        return None
    return days + _day_fraction(clock[0], clock[1], clock[2]) - offset_d


def parse_clock(written: object) -> float | None:
    """Return a time of day as a fraction of it: hh:mm:ss, hours below 24, or seconds since midnight."""
    if isinstance(written, str):
        found = _CLOCK.fullmatch(written.strip())
        if found:
            return _day_fraction(*found.groups())
        instant = parse_date(written.strip())
        if instant is not None and ":" in written:
            return instant % 1.0
    amount = as_number(written)
    if amount is None or not 0.0 <= amount < 86401.0:
        return None
    return amount / 24.0 if amount < 24.0 else amount / 86400.0


def _day_fraction(hours: str | None, minutes: str | None, seconds: str | None) -> float:
    return int(hours or 0) / 24.0 + int(minutes or 0) / 1440.0 + float(seconds or 0.0) / 86400.0


def _instant(headers: Headers, name: str) -> float | None:
    """Return the MJD (UTC) under a keyword that holds either a date with its time or a day number."""
    found = value(headers, name)
    day = as_number(found)
    if day is not None:
        return None if day <= 0.0 else _to_utc(_as_mjd(day), headers, scale="tdb" if name.startswith("TDB") else "")
    instant = parse_date(found.strip()) if isinstance(found, str) else None
    return None if instant is None or instant % 1.0 == 0.0 else _to_utc(instant, headers)


def _as_mjd(day: float) -> float:
    return day - _JD_ZERO if day > 1e6 else day


def _to_utc(mjd: float, headers: Headers, *, scale: str = "") -> float:
    scale = scale or text(headers, ["TIMESYS"]).lower()
    if scale not in ("tt", "tai", "tdb"):
        return mjd
    # A date beyond the known leap seconds is dubious to a second, which is no matter here.
    with warnings.catch_warnings(action="ignore", category=ErfaWarning):
        return float(Time(mjd, format="mjd", scale=scale).utc.mjd)


def _unit_s(remark: str) -> float:
    if re.search(r"minute|\[min\]|\(min\)", remark):
        return 60.0
    return 0.001 if re.search(r"millisec|\[ms\]|\(ms\)", remark) else 1.0
