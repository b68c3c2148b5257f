"""Which recovered injections of an exposure people may be shown as if they were detections."""

import hashlib
from collections.abc import Iterator, Sequence
from itertools import chain, zip_longest

import numpy as np

from astrid_core.detection.trial import Recovery
from astrid_core.differencing.inject_config import InjectConfig

_FEWEST_NUMBERS = 20
"""To draw from, behind the numbers of a search that found little."""


def choose_shown(
    recoveries: Sequence[Recovery], config: InjectConfig, *, n: int, min_score: float, apart_pix: float, name: str
) -> tuple[Recovery, ...]:
    """Return up to ``n`` sources that the search found and scored well enough, spread over their predicted S/N.

    Only of what appeared: whether something that faded is real is a matter of the question. Only those with no other
    injection within ``apart_pix``. A hash of ``name`` and the number of the injection decides, so that it repeats.
    """
    places = np.array([(one.injection.x_pix, one.injection.y_pix) for one in recoveries]).reshape(-1, 2)
    edges = np.geomspace(*config.snr, config.n_bins + 1)
    by_bin: dict[int, list[Recovery]] = {}
    for number, one in enumerate(recoveries):
        away = np.hypot(*(places - places[number]).T)
        away[number] = np.inf
        is_alone = not len(away) or float(away.min()) >= apart_pix
        is_seen = one.peak is not None and one.network_score is not None and one.network_score >= min_score
        if is_alone and is_seen and one.injection.flux > 0.0:
            by_bin.setdefault(int(np.searchsorted(edges, one.injection.predicted_snr)), []).append(one)
    ranked = [
        sorted(by_bin[place], key=lambda one: _number(f"{name} {one.injection.number}")) for place in sorted(by_bin)
    ]
    # One of each part of the range, then the next of each.
    in_turn = chain.from_iterable(zip_longest(*ranked))
    return tuple([one for one in in_turn if one is not None][:n])


def numbers_behind(n_detections: int, chosen: Sequence[Recovery], *, name: str) -> Iterator[int]:
    """Give each of the chosen a number of its own behind those of the detections of its exposure."""
    taken: set[int] = set()
    span = max(n_detections, _FEWEST_NUMBERS, 2 * len(chosen))
    for one in chosen:
        place = _number(f"{name} number {one.injection.number}") % span
        while place in taken:
            place = (place + 1) % span
        taken.add(place)
        yield n_detections + 1 + place


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])
