"""From the cards of an instrument to the common ones that every reader knows."""

import dataclasses
from collections.abc import Iterable

from astropy.io import fits

from astrid_core.observations.bands import CLEAR, normalise
from astrid_core.observations.cards import Headers, comment, positive, text, value
from astrid_core.observations.registry import Dialect, Level, Registry
from astrid_core.observations.times import BEGINNINGS

_UNITS = {"s": "[s]", "min": "[min]", "ms": "[ms]"}
_PLAIN = {
    "date": "DATE-OBS",
    "clock": "TIME-OBS",
    "read_noise": "RDNOISE",
    "saturation": "SATURATE",
    "pixel_unit": "BUNIT",
    "pixel_scale": "IM_SCALE",
    "ra": "RA",
    "dec": "DEC",
    "instrument": "INSTRUME",
    "object": "OBJECT",
    "kind": "IMAGETYP",
}
"""What is only called otherwise, and the common name of it."""
_DEFAULT = Dialect()


def translated(headers: Headers, registry: Registry) -> Headers:
    """Return ``headers`` with one in front that says in common cards what the instrument says in its own.

    Units travel as comments, as in any header. The headers of strangers pass unchanged.
    """
    dialect = dialect_of(headers, registry)
    if dialect is None:
        return headers
    kept = _without(headers, dialect.ignore)
    front = fits.Header()
    for key, common in _PLAIN.items():
        _copy(front, common, kept, getattr(dialect, key))
    _add_times(front, kept, dialect)
    _add_counts(front, kept, dialect)
    _add_band(front, kept, dialect, registry)
    if "MJD-AVG" in front:
        kept = _without(kept, BEGINNINGS)  # a beginning would be believed before a middle
    return (front, *kept)


def dialect_of(headers: Headers, registry: Registry) -> Dialect | None:
    """Return the dialect of an instrument, completed by that of its mission; None for strangers."""
    mission = registry.mission_of(headers)
    if mission is None:
        return None
    instrument = registry.instrument_of(headers)
    if instrument is None:
        return mission.dialect
    own = {
        one.name: getattr(instrument.dialect, one.name)
        for one in dataclasses.fields(Dialect)
        if getattr(instrument.dialect, one.name) != getattr(_DEFAULT, one.name)
    }
    return dataclasses.replace(mission.dialect, **own)


def level_of(headers: Headers, registry: Registry) -> Level:
    """Return how far the archive has processed an image."""
    mission = registry.mission_of(headers)
    if mission is None:
        return Level.UNKNOWN
    if any(pattern.fullmatch(text(headers, [card])) for card, pattern in mission.level_cards.items()):
        return Level.CALIBRATED
    return mission.level


def _without(headers: Headers, names: Iterable[str]) -> Headers:
    unwanted = set(names)
    if not any(name in header for header in headers for name in unwanted):
        return headers
    kept = []
    for header in headers:
        mended = header.copy()
        for name in unwanted & set(header):
            mended.remove(name, remove_all=True)
        kept.append(mended)
    return tuple(kept)


def _copy(front: fits.Header, common: str, headers: Headers, names: Iterable[str]) -> None:
    """Put the first of ``names`` that says something under its common name, with its comment."""
    for name in names:
        written = text(headers, [name])
        if written:
            front[common] = (_storable(value(headers, name), written), comment(headers, name)[:40])
            return


def _storable(found: object, written: str) -> object:
    return found if isinstance(found, int | float) else written


def _add_times(front: fits.Header, headers: Headers, dialect: Dialect) -> None:
    exposure = positive(headers, dialect.exposure)
    if exposure is not None:
        repeats = (positive(headers, [dialect.repeats]) or 1.0) if dialect.repeats else 1.0
        front["EXPTIME"] = (exposure * repeats, _UNITS[dialect.exposure_unit])
    begin, middle = positive(headers, dialect.begin), positive(headers, dialect.middle)
    if begin is not None:
        front["MJD-OBS"] = begin
    if middle is not None:
        front["MJD-AVG"] = middle
    if dialect.time_scale and not text(headers, ["TIMESYS"]):
        front["TIMESYS"] = dialect.time_scale.upper()


def _add_counts(front: fits.Header, headers: Headers, dialect: Dialect) -> None:
    gain = positive(headers, dialect.gain)
    if gain is not None:
        front["EGAIN"] = gain * _stacking(headers, dialect)
    for name in dialect.zero_point:
        if text(headers, [name]):
            per = "for 1 sec" if dialect.zero_point_per == "second" else "for the exposure"
            front["MAGZERO"] = (_storable(value(headers, name), ""), f"{dialect.zero_point_system} {per}")
            return


def _stacking(headers: Headers, dialect: Dialect) -> float:
    """Return by how much the gain of a stack differs from that of its inputs: n^2 over the sum of their factors.

    The mean of n inputs, each multiplied by s, has n / s electrons per count, and n of them the noise of one.
    """
    if not dialect.n_inputs:
        return 1.0
    n_inputs = int(positive(headers, [dialect.n_inputs]) or 0)
    scales = [positive(headers, [dialect.input_scale.format(number)]) for number in range(n_inputs)]
    known = [scale for scale in scales if scale is not None]
    return len(known) ** 2 / sum(known) if known else 1.0


def _add_band(front: fits.Header, headers: Headers, dialect: Dialect, registry: Registry) -> None:
    written = [one for one in (text(headers, [name]) for name in dialect.band) if one]
    filters = [one for one in written if normalise(one) != CLEAR]
    instrument = registry.instrument_of(headers)
    if filters or written:
        front["FILTER"] = (filters or written)[0]
    elif instrument is not None and instrument.band:
        front["FILTER"] = instrument.band
