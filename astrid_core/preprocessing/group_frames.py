"""Which calibration frames make one master."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass

from astrid_core.observations.entities import CalibrationFrame, CalibrationKind
from astrid_core.preprocessing.calibrate_config import CalibrateConfig
from astrid_core.preprocessing.choose_masters import setup_of
from astrid_core.preprocessing.entities import DetectorSetup

_ORDER = (CalibrationKind.BIAS, CalibrationKind.DARK, CalibrationKind.FLAT)
"""A dark needs the bias, a flat both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationGroup:
    """Frames of one kind, setup, band and time."""

    kind: CalibrationKind
    setup: DetectorSetup
    band: str
    mid_mjd: float
    """Mean time of the frames."""
    nights: tuple[str, str]
    """First and last."""
    frame_ids: tuple[str, ...]

    @property
    def label(self) -> str:
        """What an operator sees; no two groups of a survey have the same."""
        band = f" {self.band}" if self.band else ""
        return f"{setup_label(self.setup)} {self.kind.value}{band} {self.nights[0]} ({len(self.frame_ids)})"


def setup_label(setup: DetectorSetup) -> str:
    """Return a setup on one line."""
    detector = f" {setup.detector}" if setup.detector else ""
    return f"{setup.survey} {setup.instrument}{detector} {setup.binning} {setup.width_pix}x{setup.height_pix}"


def group_frames(frames: Sequence[CalibrationFrame], config: CalibrateConfig) -> tuple[CalibrationGroup, ...]:
    """Return the groups, ordered by setup, then bias, dark, flat, then band and time.

    A pause of more than ``max_gap_days`` begins another group, and so does the first night more than ``valid_days``
    behind the beginning of one: masters of a long series serve all of it. Of many frames the latest ``max_inputs``
    count.
    """
    by_kind: dict[tuple[object, ...], list[CalibrationFrame]] = {}
    for frame in sorted(frames, key=lambda one: (one.mid_mjd, one.id)):
        key = (*astuple(setup_of(frame)), _ORDER.index(frame.kind), frame.band)
        by_kind.setdefault(key, []).append(frame)
    return tuple(
        _group(run[-config.max_inputs :])
        for _, some in sorted(by_kind.items(), key=lambda item: tuple(map(str, item[0])))
        for run in _runs(some, config)
    )


def _runs(frames: Sequence[CalibrationFrame], config: CalibrateConfig) -> list[list[CalibrationFrame]]:
    runs: list[list[CalibrationFrame]] = []
    for frame in frames:
        if not runs or _is_apart(frame, runs[-1], config):
            runs.append([frame])
        else:
            runs[-1].append(frame)
    return runs


def _is_apart(frame: CalibrationFrame, run: Sequence[CalibrationFrame], config: CalibrateConfig) -> bool:
    # Frames of one night stay together: groups are told apart by their first night.
    is_late = frame.night != run[-1].night and frame.mid_mjd - run[0].mid_mjd > config.valid_days
    return is_late or frame.mid_mjd - run[-1].mid_mjd > config.max_gap_days


def _group(frames: Sequence[CalibrationFrame]) -> CalibrationGroup:
    return CalibrationGroup(
        kind=frames[0].kind,
        setup=setup_of(frames[0]),
        band=frames[0].band,
        mid_mjd=sum(one.mid_mjd for one in frames) / len(frames),
        nights=(frames[0].night, frames[-1].night),
        frame_ids=tuple(one.id for one in frames),
    )
