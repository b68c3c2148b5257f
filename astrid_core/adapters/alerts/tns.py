"""Bulk reports for the Transient Name Server, as JSON: written and checked here, sent by a person.

The server names objects for the whole world and takes nothing back by machine. There is no public schema of its
reports; ``faults`` holds a report against what its manual asks for.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from astrid_core.adapters.alerts.words import PUBLISHER, finite, object_name, time_of
from astrid_core.alerts.config import TnsConfig
from astrid_core.alerts.entities import AlertKind, Message
from astrid_core.catalog.entities import LightCurvePoint
from astrid_core.shared.errors import AlertRefused, BadConfiguration

_AB_MAG = "1"
_OTHER = "0"
_FILTERS = {"u": "20", "g": "21", "r": "22", "i": "23", "z": "24"}
"""Numbers of the Sloan filters there; any other band is ``other``, and named in the comment."""
_REQUIRED = ("ra", "dec", "reporting_group_id", "discovery_data_source_id", "reporter", "discovery_datetime", "at_type")


def packet(message: Message, config: TnsConfig) -> bytes:
    """Return the report; AlertRefused where it lacks what the server asks for."""
    report = document(message, config)
    if found := faults(report):
        raise AlertRefused("the report would be refused", first=found[0], n_faults=len(found))
    return json.dumps(report, sort_keys=True, indent=1, allow_nan=False).encode()


def document(message: Message, config: TnsConfig) -> Mapping[str, Any]:
    """Return what the report says; BadConfiguration without the numbers that the server has given us."""
    for name in ("reporting_group", "data_source", "instrument", "reporter"):
        if not getattr(config, name):
            raise BadConfiguration("reports need what the server knows us by", table="alerts.tns", key=name)
    entry, points = message.announcement.entry, message.announcement.points
    measured = [point for point in points if finite(point.mag_ab) is not None and point.significance > 0.0]
    remarks = f"{PUBLISHER} {entry.id}, alert {message.alert.key}"
    if message.alert.kind is AlertKind.RETRACTION:
        remarks = f"RETRACTION: not real. {remarks}"
    report = {
        "ra": {"value": f"{entry.position.ra_deg:.7f}"},
        "dec": {"value": f"{entry.position.dec_deg:.7f}"},
        "reporting_group_id": config.reporting_group,
        "discovery_data_source_id": config.data_source,
        "reporter": config.reporter,
        "discovery_datetime": _time(entry.first_mjd),
        "at_type": "1",
        "internal_name": object_name(entry),
        "remarks": remarks,
        "non_detection": {
            "archiveid": _OTHER,
            "archival_remarks": f"Not in the reference image {points[0].reference_digest[:12]}",
        },
        "photometry": {
            "photometry_group": {str(number): _point(point, config) for number, point in enumerate(measured)}
        },
    }
    return {"at_report": {"0": report}}


def faults(report: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what the server would object to in a report; empty if nothing."""
    reports = report.get("at_report")
    if not isinstance(reports, Mapping) or not reports:
        return ("at_report: missing or empty",)
    return tuple(f"at_report.{name}.{fault}" for name, one in reports.items() for fault in _faults(one))


def _faults(report: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"{name}: missing" for name in _REQUIRED if not report.get(name))
    for name, low, high in (("ra", 0.0, 360.0), ("dec", -90.0, 90.0)):
        value = _number((report.get(name) or {}).get("value"))
        if value is None or not low <= value <= high:
            yield f"{name}: not in [{low:g}, {high:g}] degrees"
    before = report.get("non_detection") or {}
    if not (before.get("obsdate") or (before.get("archiveid") and before.get("archival_remarks"))):
        yield "non_detection: neither the last one nor an archive with a remark"
    points = (report.get("photometry") or {}).get("photometry_group") or {}
    if not points:
        yield "photometry: none"
    for number, point in points.items():
        flux, error = _number(point.get("flux")), _number(point.get("flux_error"))
        if flux is None or not -5.0 < flux < 40.0 or error is None or error < 0.0:
            yield f"photometry.{number}: no magnitude with an error"
        yield from (
            f"photometry.{number}.{name}: missing"
            for name in ("obsdate", "flux_units", "filter_value", "instrument_value")
            if not point.get(name)
        )


def _point(point: LightCurvePoint, config: TnsConfig) -> dict[str, str]:
    return {
        "obsdate": _time(point.mid_mjd),
        "flux": f"{point.mag_ab:.3f}",
        "flux_error": "" if point.mag_err is None else f"{point.mag_err:.3f}",
        "flux_units": _AB_MAG,
        "filter_value": _FILTERS.get(point.band, _OTHER),
        "instrument_value": config.instrument,
        "comments": "" if point.band in _FILTERS else f"band {point.band}",
    }


def _time(mjd: float) -> str:
    return time_of(mjd).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def _number(value: object) -> float | None:
    try:
        return finite(float(str(value)))
    except ValueError:
        return None
